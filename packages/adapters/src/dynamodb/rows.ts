import { randomBytes } from 'node:crypto';
import type { ChannelLimits, ConnectionRecord } from '@gatecast/framework';
import { inParallel } from '@gatecast/framework/adapter';
import { type Item, toAttribute } from './attributes.js';
import { addUpdate, type ChannelChange, removeUpdate } from './channel-update.js';
import {
  type Assignment,
  assign,
  type ConnectionRow,
  haveSameMembership,
  isUpToDate,
  membershipOf,
  toAttributes,
  toConnectionRow,
  withRecord,
} from './items.js';
import type { Keys } from './keys.js';
import { CALLS_AT_ONCE, type Table, type Updated } from './table.js';

const LIVE_NAMES = { '#closing': 'closing', '#pruned': 'pruned', '#expiresAt': 'expiresAt' };
/** Condition on a row: the connection exists and is neither removed nor expired. */
const LIVE =
  'attribute_not_exists(#closing) AND attribute_not_exists(#pruned) AND #expiresAt > :now';
const DEAD = 'attribute_exists(#closing) OR attribute_exists(#pruned) OR #expiresAt <= :now';

/** Parts shared by all calls of one operation of the store. */
export interface RowsOptions {
  readonly table: Table;
  readonly keys: Keys;
  /** The clock by which rows expire, in milliseconds since 1970. */
  readonly now: () => number;
}

/** What an update does to a connection's row. */
interface RowUpdate {
  /** True if the row must not exist yet; otherwise the connection must be live. */
  readonly isNew?: boolean;
  readonly details?: Assignment;
  readonly change: ChannelChange | undefined;
}

/** The result of adding or removing channels. */
export interface Changed {
  /** Whether the change was made. False if another call had changed the row. */
  readonly isDone: boolean;
  /** If it was made by an attempt whose answer was lost, the row's `changedBy` has this value. */
  readonly token: string;
}

/** Which memberships of a connection to check. */
export interface Affected {
  /** Channels that were just added, so their memberships do not exist yet. */
  readonly added?: readonly string[];
  /** Channels whose memberships may or may not exist. */
  readonly others?: readonly string[];
}

/**
 * Rows of connections and their memberships, as one operation of the store uses them.
 *
 * A connection's row lists its channels and is always right. For each channel there is also a membership,
 * which a publish reads. The two are written one after the other, so one rule keeps them consistent:
 * **after writing a membership, read the connection's row; after changing the row, read the memberships;
 * if they differ, write the memberships again and start over.**
 *
 * Why this works: consider the last write to a membership. Its writer read the row afterwards and found
 * no difference. Any call that changed the row later read the membership after that and, since there was
 * no further write, found no difference either. So once all calls have finished, row and memberships
 * agree, in whatever order the calls ran.
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

  /** The row of a live connection. */
  async read(connectionId: string): Promise<ConnectionRow | undefined> {
    const item = await this.#table.get(this.#keys.connection(connectionId));
    const row = item && toConnectionRow(item);
    return row && this.isLive(row) ? row : undefined;
  }

  /** The rows of connections, live or not. Connections without a row are left out. */
  async readAll(connectionIds: readonly string[]): Promise<ConnectionRow[]> {
    const items = await this.#table.getAll(connectionIds.map((id) => this.#keys.connection(id)));
    return items.map(toConnectionRow);
  }

  /** Whether a connection is live: neither removed nor expired. */
  isLive(row: ConnectionRow): boolean {
    return row.closing === undefined && row.pruned === undefined && !this.isExpired(row);
  }

  isExpired({ record }: ConnectionRow): boolean {
    return record.expiresAt <= this.#now();
  }

  /** Waits before an update is retried because another call changed the row first. */
  async pauseBeforeRetry(failed: number): Promise<void> {
    await this.#table.pauseBeforeRetry(failed);
  }

  /** Writes the row of a new connection and returns it; `undefined` if a row exists. */
  async create(
    record: ConnectionRecord,
    channels: readonly string[],
  ): Promise<ConnectionRow | undefined> {
    const empty = { record, channels: new Set<string>() };
    const change = additionOf(channels, empty);
    const { isDone } = await this.#update(empty, { isNew: true, change, details: assign(record) });
    return isDone ? withRecord(empty, record, channels) : undefined;
  }

  /**
   * Writes a new record to the row of a live connection and adds channels. Returns the row, or
   * `undefined` if another call changed it.
   */
  async replace(
    row: ConnectionRow,
    record: ConnectionRecord,
    channels: readonly string[],
  ): Promise<ConnectionRow | undefined> {
    const change = additionOf(channels, row);
    const { isDone } = await this.#update(row, { change, details: assign(record) });
    return isDone ? withRecord(row, record, channels) : undefined;
  }

  /** Adds channels to the row of a live connection, within limits. */
  addChannels(
    row: ConnectionRow,
    channels: readonly string[],
    limits: ChannelLimits,
  ): Promise<Changed> {
    return this.#change(row, addUpdate({ channels, seen: row.channels }, limits));
  }

  /** Removes channels from the row of a live connection. */
  removeChannels(row: ConnectionRow, channels: readonly string[]): Promise<Changed> {
    return this.#change(row, removeUpdate({ channels, seen: row.channels }));
  }

  /**
   * Marks the row of a connection, which ends the connection. A row keeps the first mark of each kind:
   * `pruned` hides the connection, and the call that sets `closing` reports it. Returns the marked row.
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
   * Deletes a marked row and returns whether it did. A pruned row stays if a disconnect has begun since,
   * which has to find its own mark.
   */
  deleteRow({ record, closing, pruned = '' }: ConnectionRow): Promise<boolean> {
    const key = this.#keys.connection(record.connectionId);
    return closing === undefined
      ? this.#table.deleteIf(key, { has: ['pruned', toAttribute(pruned)], lacks: 'closing' })
      : this.#table.deleteIf(key, { has: ['closing', toAttribute(closing)] });
  }

  /** Deletes memberships. The caller must read the rows afterwards. */
  async deleteMemberships(
    memberships: readonly (readonly [string, Iterable<string>])[],
  ): Promise<void> {
    await this.#table.write(
      memberships.flatMap(([connectionId, channels]) =>
        [...channels].map((channel) => ({
          DeleteRequest: { Key: this.#keys.membership(connectionId, channel) },
        })),
      ),
    );
  }

  /**
   * Writes memberships until they agree with the connection's row, which it reads again after each write.
   * Writes nothing if they agree already.
   */
  async syncMemberships(
    connectionId: string,
    row: ConnectionRow | undefined,
    { added = [], others = [] }: Affected,
  ): Promise<void> {
    const found = await this.#memberships(connectionId, others);
    const wrong = others.filter(
      (channel) => !isUpToDate(found.get(channel), membershipOf(row, channel)),
    );
    let current = row;
    let absent = [...added, ...wrong.filter((channel) => !found.has(channel))];
    let present = wrong.filter((channel) => found.has(channel));
    while (absent.length + present.length > 0) {
      const expected = current;
      const missing = await this.#write(connectionId, expected, { absent, present });
      const seen = await this.read(connectionId);
      present = [...absent, ...present].filter(
        (channel) => !missing.has(channel) && !haveSameMembership(expected, seen, channel),
      );
      absent = [...missing];
      current = seen;
    }
  }

  async #change(
    row: ConnectionRow,
    { action, names, values, ...rest }: ChannelChange,
  ): Promise<Changed> {
    // Short, because it is stored in the row.
    const token = randomBytes(6).toString('base64url');
    const change = {
      action: `${action} SET #changedBy = :changedBy`,
      names: { ...names, '#changedBy': 'changedBy' },
      values: { ...values, ':changedBy': toAttribute(token) },
      ...rest,
    };
    const { isDone } = await this.#update(row, { change });
    return { isDone, token };
  }

  #update(
    { record }: ConnectionRow,
    { isNew = false, details, change }: RowUpdate,
  ): Promise<Updated> {
    const actions = [details?.UpdateExpression, change?.action].filter(Boolean);
    const conditions = [isNew ? 'attribute_not_exists(pk)' : LIVE, change?.condition];
    return this.#table.update({
      Key: this.#keys.connection(record.connectionId),
      UpdateExpression: actions.join(' '),
      ConditionExpression: conditions.filter(Boolean).join(' AND '),
      ExpressionAttributeNames: {
        ...(!isNew && LIVE_NAMES),
        ...details?.ExpressionAttributeNames,
        ...change?.names,
      },
      ExpressionAttributeValues: {
        ...(!isNew && this.#nowValue()),
        ...details?.ExpressionAttributeValues,
        ...change?.values,
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
   * Writes memberships according to a row. Existing ones are updated instead of replaced, because a later
   * version may have added attributes. Returns the channels whose memberships no longer existed.
   */
  async #write(
    connectionId: string,
    row: ConnectionRow | undefined,
    {
      absent,
      present,
    }: { readonly absent: readonly string[]; readonly present: readonly string[] },
  ): Promise<ReadonlySet<string>> {
    const puts = absent.flatMap((channel) => {
      const details = membershipOf(row, channel);
      if (details === undefined) return [];
      const Item = { ...this.#keys.membership(connectionId, channel), ...toAttributes(details) };
      return [{ PutRequest: { Item } }];
    });
    await this.#table.write(puts);
    await this.deleteMemberships([
      [connectionId, present.filter((channel) => !row?.channels.has(channel))],
    ]);
    const missing = new Set<string>();
    await inParallel(present, CALLS_AT_ONCE, async (channel) => {
      const details = membershipOf(row, channel);
      if (details === undefined) return;
      const { isDone } = await this.#table.update({
        Key: this.#keys.membership(connectionId, channel),
        ConditionExpression: 'attribute_exists(pk)',
        ...assign(details),
      });
      if (!isDone) missing.add(channel);
    });
    return missing;
  }

  #nowValue(): Item {
    return { ':now': toAttribute(this.#now()) };
  }
}

/** The change that adds channels to a row that has none of them, if there are any. */
function additionOf(
  channels: readonly string[],
  { channels: seen }: ConnectionRow,
): ChannelChange | undefined {
  return channels.length > 0 ? addUpdate({ channels, seen }) : undefined;
}
