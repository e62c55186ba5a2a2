import { randomBytes } from 'node:crypto';
import type { ChannelLimits, ConnectionRecord } from '@gatecast/framework';
import { inParallel } from '@gatecast/framework/adapter';
import { type Item, toAttribute } from './attributes.js';
import { adding, type ChannelChange, taking } from './channel-update.js';
import {
  type Assignment,
  asksForTheSame,
  assign,
  type ConnectionRow,
  isAsAsked,
  membershipOf,
  toAttributes,
  toConnectionRow,
  withRecord,
} from './items.js';
import type { Keys } from './keys.js';
import { CALLS_AT_ONCE, type Table, type Updated } from './table.js';

const LIVE_NAMES = { '#closing': 'closing', '#pruned': 'pruned', '#expiresAt': 'expiresAt' };
/** Holds for a connection that is there: neither removed nor expired. */
const LIVE =
  'attribute_not_exists(#closing) AND attribute_not_exists(#pruned) AND #expiresAt > :now';
const DEAD = 'attribute_exists(#closing) OR attribute_exists(#pruned) OR #expiresAt <= :now';

/** What one operation of the store works with. */
export interface RowsOptions {
  readonly table: Table;
  readonly keys: Keys;
  /** The clock by which rows expire, in milliseconds since 1970. */
  readonly now: () => number;
}

/** What an update does to a connection's row. */
interface RowUpdate {
  /** True where there must be no row; else the connection has to be there. */
  readonly isNew?: boolean;
  readonly facts?: Assignment;
  readonly change: ChannelChange | false;
}

/** What became of a change of channels. */
export interface Changed {
  /** Whether the change was made; not if the row had changed meanwhile. */
  readonly isDone: boolean;
  /** Set when an answer was lost: the row's `changedBy` has this value if the change was made after all. */
  readonly lost?: string;
}

/** Which memberships of a connection to look at. */
export interface Affected {
  /** Channels that were just added: their memberships do not exist yet. */
  readonly added?: readonly string[];
  /** Channels whose memberships may or may not exist. */
  readonly others?: readonly string[];
}

/**
 * Rows of connections, and their memberships, in one operation of the store.
 *
 * A connection's row holds the set of its channels and is what is true; for each channel there is a
 * membership, which is what a publish reads. The two are written one after the other, so they are kept
 * together by one rule: **who writes a membership looks at the connection's row afterwards, and who
 * changes the row looks at the memberships afterwards; whoever sees a difference writes again and looks
 * again.** Take the last write to a membership. Its writer looked afterwards and saw no difference.
 * Whoever changed the row after that look looked at the membership in turn and, since the write was
 * the last one, saw no difference either. So when all have finished the two agree, whatever the order
 * of their calls.
 */
export class Rows {
  readonly #table: Table;
  readonly #keys: Keys;
  readonly #now: () => number;

  constructor({ table, keys, now }: RowsOptions) {
    this.#table = table;
    this.#keys = keys;
    this.#now = now;
  }

  /** The row of a connection that is there. */
  async read(connectionId: string): Promise<ConnectionRow | undefined> {
    const item = await this.#table.get(this.#keys.connection(connectionId));
    const row = item && toConnectionRow(item);
    return row && this.isLive(row) ? row : undefined;
  }

  /** The rows of connections in any state, for those that have one. */
  async readAll(connectionIds: readonly string[]): Promise<ConnectionRow[]> {
    const items = await this.#table.getAll(connectionIds.map((id) => this.#keys.connection(id)));
    return items.map(toConnectionRow);
  }

  /** Whether a connection is there: neither removed nor expired. */
  isLive(row: ConnectionRow): boolean {
    return row.closing === undefined && row.pruned === undefined && !this.isExpired(row);
  }

  isExpired({ record }: ConnectionRow): boolean {
    return record.expiresAt <= this.#now();
  }

  /** Waits before an update is tried again, after another call changed the row first. */
  async giveWay(failed: number): Promise<void> {
    await this.#table.giveWay(failed);
  }

  /** Writes the row of a connection where there is none; returns it. */
  async create(
    record: ConnectionRecord,
    channels: readonly string[],
  ): Promise<ConnectionRow | undefined> {
    const none = { record, channels: new Set<string>() };
    const change = channels.length > 0 && adding({ channels, seen: none.channels });
    const { isDone } = await this.#update(none, { isNew: true, change, facts: assign(record) });
    return isDone ? withRecord(none, record, channels) : undefined;
  }

  /** Writes a record over the row of a connection that is there, and adds channels; returns the row. */
  async replace(
    row: ConnectionRow,
    record: ConnectionRecord,
    channels: readonly string[],
  ): Promise<ConnectionRow | undefined> {
    const change = channels.length > 0 && adding({ channels, seen: row.channels });
    const { isDone } = await this.#update(row, { change, facts: assign(record) });
    return isDone ? withRecord(row, record, channels) : undefined;
  }

  /** Adds channels to the row of a connection that is there, within limits. */
  add(row: ConnectionRow, channels: readonly string[], limits: ChannelLimits): Promise<Changed> {
    return this.#change(row, adding({ channels, seen: row.channels }, limits));
  }

  /** Takes channels from the row of a connection that is there. */
  take(row: ConnectionRow, channels: readonly string[]): Promise<Changed> {
    return this.#change(row, taking({ channels, seen: row.channels }));
  }

  /**
   * Marks the row of a connection, which is gone from then on. A row keeps the first mark of each kind:
   * `pruned` hides it, and whoever sets `closing` is the one to report it. Returns the row as it is then.
   *
   * @param isDead - True to mark it only if it has expired or its removal has begun.
   */
  async mark(
    connectionId: string,
    [kind, by]: readonly ['closing' | 'pruned', string],
    { isDead = false }: { readonly isDead?: boolean } = {},
  ): Promise<ConnectionRow | undefined> {
    const { isDone, attributes } = await this.#table.update({
      Key: this.#keys.connection(connectionId),
      UpdateExpression: `SET #${kind} = if_not_exists(#${kind}, :by)`,
      ConditionExpression: isDead ? DEAD : 'attribute_exists(pk)',
      ExpressionAttributeNames: isDead ? LIVE_NAMES : { [`#${kind}`]: kind },
      ExpressionAttributeValues: { ':by': { S: by }, ...(isDead && this.#nowValue()) },
      ReturnValues: 'ALL_NEW',
    });
    return isDone ? toConnectionRow(attributes) : undefined;
  }

  /**
   * Deletes a row that is marked, unless another removal has done so. One that was pruned stays when a
   * disconnect has begun since, which has to find its mark. Returns whether it deleted the row.
   */
  drop({ record, closing, pruned = '' }: ConnectionRow): Promise<boolean> {
    const key = this.#keys.connection(record.connectionId);
    return closing === undefined
      ? this.#table.deleteIf(key, { has: ['pruned', toAttribute(pruned)], lacks: 'closing' })
      : this.#table.deleteIf(key, { has: ['closing', toAttribute(closing)] });
  }

  /** Deletes memberships. The caller looks at the rows afterwards. */
  async leave(memberships: readonly (readonly [string, Iterable<string>])[]): Promise<void> {
    await this.#table.write(
      memberships.flatMap(([connectionId, channels]) =>
        [...channels].map((channel) => ({
          DeleteRequest: { Key: this.#keys.membership(connectionId, channel) },
        })),
      ),
    );
  }

  /**
   * Makes memberships what a connection's row says, and looks at the row afterwards, until the two
   * agree. Writes nothing where they do. Returns the row as it was seen last.
   */
  async agree(
    connectionId: string,
    row: ConnectionRow | undefined,
    { added = [], others = [] }: Affected,
  ): Promise<ConnectionRow | undefined> {
    const found = await this.#memberships(connectionId, others);
    const wrong = others.filter(
      (channel) => !isAsAsked(found.get(channel), membershipOf(row, channel)),
    );
    let current = row;
    let absent = [...added, ...wrong.filter((channel) => !found.has(channel))];
    let present = wrong.filter((channel) => found.has(channel));
    while (absent.length + present.length > 0) {
      const asked = current;
      const missing = new Set(await this.#write(connectionId, asked, { absent, present }));
      const seen = await this.read(connectionId);
      present = [...absent, ...present].filter(
        (channel) => !missing.has(channel) && !asksForTheSame(asked, seen, channel),
      );
      absent = [...missing].filter((channel) => seen?.channels.has(channel));
      current = seen;
    }
    return current;
  }

  async #change(
    row: ConnectionRow,
    { action, names, values, ...rest }: ChannelChange,
  ): Promise<Changed> {
    // Short, because the row keeps it.
    const token = randomBytes(6).toString('base64url');
    const change = {
      action: `${action} SET #changedBy = :changedBy`,
      names: { ...names, '#changedBy': 'changedBy' },
      values: { ...values, ':changedBy': toAttribute(token) },
      ...rest,
    };
    const { isDone, mayHaveRun } = await this.#update(row, { change });
    return { isDone, ...(mayHaveRun && { lost: token }) };
  }

  #update(
    { record }: ConnectionRow,
    { isNew = false, facts, change }: RowUpdate,
  ): Promise<Updated> {
    const actions = [facts?.UpdateExpression, change && change.action].filter(Boolean);
    const conditions = [isNew ? 'attribute_not_exists(pk)' : LIVE, change && change.condition];
    return this.#table.update({
      Key: this.#keys.connection(record.connectionId),
      UpdateExpression: actions.join(' '),
      ConditionExpression: conditions.filter(Boolean).join(' AND '),
      ExpressionAttributeNames: {
        ...(!isNew && LIVE_NAMES),
        ...facts?.ExpressionAttributeNames,
        ...(change && change.names),
      },
      ExpressionAttributeValues: {
        ...(!isNew && this.#nowValue()),
        ...facts?.ExpressionAttributeValues,
        ...(change && change.values),
      },
    });
  }

  async #memberships(
    connectionId: string,
    channels: readonly string[],
  ): Promise<ReadonlyMap<string, Item>> {
    const keys = channels.map((channel) => this.#keys.membership(connectionId, channel));
    const items = new Map((await this.#table.getAll(keys)).map((item) => [item['pk']?.S, item]));
    return new Map(
      channels.flatMap((channel) => {
        const item = items.get(this.#keys.channel(channel));
        return item ? [[channel, item] as const] : [];
      }),
    );
  }

  /**
   * Writes memberships as a row asks for them. One that is there is updated and not replaced, because
   * a later version may have given it more. Returns the channels of those that were not there any more.
   */
  async #write(
    connectionId: string,
    row: ConnectionRow | undefined,
    {
      absent,
      present,
    }: { readonly absent: readonly string[]; readonly present: readonly string[] },
  ): Promise<string[]> {
    const puts = absent.flatMap((channel) => {
      const facts = membershipOf(row, channel);
      if (facts === undefined) return [];
      const Item = { ...this.#keys.membership(connectionId, channel), ...toAttributes(facts) };
      return [{ PutRequest: { Item } }];
    });
    await this.#table.write(puts);
    await this.leave([[connectionId, present.filter((channel) => !row?.channels.has(channel))]]);
    const missing = await inParallel(present, CALLS_AT_ONCE, async (channel) => {
      const facts = membershipOf(row, channel);
      if (facts === undefined) return [];
      const { isDone } = await this.#table.update({
        Key: this.#keys.membership(connectionId, channel),
        ConditionExpression: 'attribute_exists(pk)',
        ...assign(facts),
      });
      return isDone ? [] : [channel];
    });
    return missing.flat();
  }

  #nowValue(): Item {
    return { ':now': toAttribute(this.#now()) };
  }
}
