import type { ConnectionRecord } from '@gatecast/framework';
import { inParallel } from '@gatecast/framework/adapter';
import { type Item, toAttribute } from './attributes.js';
import {
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

const LIVE_NAMES = { '#closing': 'closing', '#expiresAt': 'expiresAt' };
/** Holds for a connection that is there: neither being removed nor expired. */
const LIVE = 'attribute_not_exists(#closing) AND #expiresAt > :now';

/** What one operation of the store works with. */
export interface RowsOptions {
  readonly table: Table;
  readonly keys: Keys;
  /** The clock by which rows expire, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Which memberships of a connection to look at. */
export interface Affected {
  /** Channels that it has only just got: their memberships are not there yet. */
  readonly added?: readonly string[];
  /** Channels of which that is not known. */
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
 * the last one, saw no difference either. So when all have finished there is none, whatever the order
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

  /** Rows, in whatever state they are; those that are not there are left out. */
  async readAll(connectionIds: readonly string[]): Promise<ConnectionRow[]> {
    const items = await this.#table.getAll(connectionIds.map((id) => this.#keys.connection(id)));
    return items.map(toConnectionRow);
  }

  /** Whether a connection is there: neither being removed nor expired. */
  isLive(row: ConnectionRow): boolean {
    return row.closing === undefined && !this.isExpired(row);
  }

  isExpired({ record }: ConnectionRow): boolean {
    return record.expiresAt <= this.#now();
  }

  /** Waits before something is tried again that others were faster with. */
  async giveWay(failed: number): Promise<void> {
    await this.#table.giveWay(failed);
  }

  /**
   * Writes a record over the row of a connection that is there, or where there is none, and adds
   * channels; returns the row and the channels that it had before.
   */
  async keep(
    record: ConnectionRecord,
    channels: readonly string[],
  ): Promise<{ readonly row: ConnectionRow; readonly before: ReadonlySet<string> } | undefined> {
    const { UpdateExpression, ...assigned } = assign(record);
    const { isDone, attributes } = await this.#table.update({
      Key: this.#keys.connection(record.connectionId),
      UpdateExpression: UpdateExpression + (channels.length > 0 ? ' ADD #channels :channels' : ''),
      ConditionExpression: `attribute_not_exists(pk) OR (${LIVE})`,
      ExpressionAttributeNames: {
        ...assigned.ExpressionAttributeNames,
        ...LIVE_NAMES,
        ...(channels.length > 0 && { '#channels': 'channels' }),
      },
      ExpressionAttributeValues: {
        ...assigned.ExpressionAttributeValues,
        ...this.#nowValue(),
        ...(channels.length > 0 && { ':channels': { SS: [...channels] } }),
      },
      ReturnValues: 'ALL_OLD',
    });
    if (!isDone) return undefined;
    const old = toConnectionRow(attributes);
    return { row: withRecord(old, record, channels), before: old.channels };
  }

  /** Adds channels to a row whose channels are still those that were read. */
  add({ record, channels }: ConnectionRow, added: readonly string[]): Promise<Updated> {
    const isUnchanged = channels.size > 0 ? '#channels = :seen' : 'attribute_not_exists(#channels)';
    return this.#table.update({
      Key: this.#keys.connection(record.connectionId),
      UpdateExpression: 'ADD #channels :channels',
      ConditionExpression: `${LIVE} AND ${isUnchanged}`,
      ExpressionAttributeNames: { ...LIVE_NAMES, '#channels': 'channels' },
      ExpressionAttributeValues: {
        ':channels': { SS: [...added] },
        ...(channels.size > 0 && { ':seen': { SS: [...channels] } }),
        ...this.#nowValue(),
      },
    });
  }

  /** Takes channels that it has from the row of a connection; returns which, and the row as it is now. */
  async remove(
    connectionId: string,
    channels: readonly string[],
  ): Promise<{ readonly left: readonly string[]; readonly row: ConnectionRow | undefined }> {
    const { isDone, attributes, mayHaveRun } = await this.#table.update({
      Key: this.#keys.connection(connectionId),
      UpdateExpression: 'DELETE #channels :channels',
      ConditionExpression: LIVE,
      ExpressionAttributeNames: { ...LIVE_NAMES, '#channels': 'channels' },
      ExpressionAttributeValues: { ':channels': { SS: [...channels] }, ...this.#nowValue() },
      ReturnValues: 'ALL_OLD',
    });
    const old = toConnectionRow(attributes);
    const taken = new Set(channels);
    return {
      // An update that is sent again after its answer was lost finds its own work done.
      left: mayHaveRun ? channels : channels.filter((channel) => old.channels.has(channel)),
      row: isDone
        ? { ...old, channels: new Set([...old.channels].filter((channel) => !taken.has(channel))) }
        : undefined,
    };
  }

  /**
   * Begins the removal of a connection, unless it has begun: from then on the connection is gone.
   * Returns its row, marked by this removal or by the one that was first.
   *
   * @param isDead - True to leave a connection alone that is there.
   */
  async mark(
    connectionId: string,
    by: string,
    { isDead = false }: { readonly isDead?: boolean } = {},
  ): Promise<ConnectionRow | undefined> {
    const { isDone, attributes } = await this.#table.update({
      Key: this.#keys.connection(connectionId),
      UpdateExpression: 'SET #closing = if_not_exists(#closing, :closing)',
      ConditionExpression: isDead
        ? 'attribute_exists(#closing) OR #expiresAt <= :now'
        : 'attribute_exists(pk)',
      ExpressionAttributeNames: isDead ? LIVE_NAMES : { '#closing': 'closing' },
      ExpressionAttributeValues: { ':closing': { S: by }, ...(isDead && this.#nowValue()) },
      ReturnValues: 'ALL_NEW',
    });
    return isDone ? toConnectionRow(attributes) : undefined;
  }

  /** Deletes a row unless another removal has done so; returns whether this one did. */
  drop({ record, closing = '' }: ConnectionRow): Promise<boolean> {
    return this.#table.deleteIf(this.#keys.connection(record.connectionId), [
      'closing',
      toAttribute(closing),
    ]);
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
      await this.#write(connectionId, asked, { absent, present });
      current = await this.read(connectionId);
      const seen = current;
      present = [...absent, ...present].filter((channel) => !asksForTheSame(asked, seen, channel));
      absent = [];
    }
    return current;
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
   * a later version may have given it more.
   */
  async #write(
    connectionId: string,
    row: ConnectionRow | undefined,
    {
      absent,
      present,
    }: { readonly absent: readonly string[]; readonly present: readonly string[] },
  ): Promise<void> {
    const puts = absent.flatMap((channel) => {
      const facts = membershipOf(row, channel);
      if (facts === undefined) return [];
      const Item = { ...this.#keys.membership(connectionId, channel), ...toAttributes(facts) };
      return [{ PutRequest: { Item } }];
    });
    await this.#table.write(puts);
    await this.leave([[connectionId, present.filter((channel) => !row?.channels.has(channel))]]);
    await inParallel(present, CALLS_AT_ONCE, async (channel) => {
      const facts = membershipOf(row, channel);
      if (facts === undefined) return;
      const Key = this.#keys.membership(connectionId, channel);
      await this.#table.update({ Key, ...assign(facts) });
    });
  }

  #nowValue(): Item {
    return { ':now': toAttribute(this.#now()) };
  }
}
