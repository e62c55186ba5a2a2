import { randomUUID } from 'node:crypto';
import type {
  ConnectionRecord,
  ConnectionStore,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from '@gatecast/framework';
import { inParallel, piecesOf } from './in-parallel.js';
import {
  asksForTheSame,
  type ConnectionRow,
  connectionKey,
  type Item,
  membershipKey,
  RECORD_ATTRIBUTES,
  recordAttributes,
  toConnectionRow,
  toMembership,
} from './items.js';
import { readSubscribers } from './subscribers-query.js';
import type { Table } from './table.js';

/**
 * Opens the table for one operation, named as it goes after "could not", which is given up at `endsAt`,
 * in milliseconds of `performance.now()`.
 */
export type OpenTable = (operation: string, endsAt: number) => Promise<Table>;

const CONNECTIONS_AT_ONCE = 25;

type Membership = readonly [connectionId: string, channel: string];

const LIVE = 'attribute_not_exists(#closing) AND #expiresAt > :now';
const LIVE_NAMES = { '#closing': 'closing', '#expiresAt': 'expiresAt' };

/**
 * Connections and memberships in one table. A connection's row (`C#id` / `META`) holds the set of its
 * channels, and is what is true; for each there is a membership row (`S#channel#0` / id), which is
 * what a publish reads.
 *
 * The two kinds are written one after the other, so they are kept together by one rule: **who writes a
 * membership row looks at the connection's row afterwards, and who changes the set looks at the
 * membership row afterwards; who sees a difference writes again and looks again.** Take the last write
 * to a membership row. Its writer looked afterwards and saw no difference. Whoever changed the set
 * after that look looked at the membership row in turn and, since the write was the last one, saw no
 * difference either. So when all have finished there is none, whatever the order of their calls.
 *
 * It is the same one update that checks that the connection is there, counts its channels and adds
 * one, so a limit is exact, and nothing is ever written for a connection that is gone.
 */
export class DynamoDbConnectionStore implements ConnectionStore {
  readonly contract = 1;
  readonly #openTable: OpenTable;
  readonly #now: () => number;
  readonly #endsAt: number;

  constructor(openTable: OpenTable, now: () => number, endsAt: number = Infinity) {
    this.#openTable = openTable;
    this.#now = now;
    this.#endsAt = endsAt;
  }

  within(timeLeftMs: number): ConnectionStore {
    const endsAt = Math.min(this.#endsAt, performance.now() + timeLeftMs);
    return new DynamoDbConnectionStore(this.#openTable, this.#now, endsAt);
  }

  async connect(record: ConnectionRecord, channels: readonly string[]): Promise<void> {
    const table = await this.#open('keep a connection');
    const { connectionId } = record;
    const wanted = [...new Set(channels)];
    let row = await this.#keep(table, record, wanted);
    while (!row) {
      // The id was used before, and what is left of that must not pass to the new connection.
      await this.#remove(table, [connectionId]);
      row = await this.#keep(table, record, wanted);
    }
    if (wanted.length === 0) return;
    const memberships = wanted.map((channel) => toMembership(row, channel) as Item);
    await table.write(memberships.map((Item) => ({ PutRequest: { Item } })));
    const current = await this.#read(table, connectionId);
    for (const channel of wanted) {
      if (!asksForTheSame(row, current, channel))
        await this.#settle(table, [connectionId, channel]);
    }
  }

  async get(connectionId: string): Promise<ConnectionRecord | undefined> {
    const table = await this.#open('read a connection');
    return (await this.#read(table, connectionId))?.record;
  }

  async disconnect(connectionId: string): Promise<readonly string[]> {
    const table = await this.#open('remove a connection');
    const [row] = await this.#remove(table, [connectionId]);
    return row && row.record.expiresAt > this.#now() ? [...row.channels] : [];
  }

  async subscribe(
    connectionId: string,
    channel: string,
    maxChannels: number,
  ): Promise<SubscribeResult> {
    const table = await this.#open('subscribe a connection');
    const hasNone = maxChannels > 0 ? 'attribute_not_exists(#channels) OR ' : '';
    const joined = await table.update({
      Key: connectionKey(connectionId),
      UpdateExpression: 'ADD #channels :channels',
      ConditionExpression: `${LIVE} AND (${hasNone}contains(#channels, :channel) OR size(#channels) < :most)`,
      ExpressionAttributeNames: { ...LIVE_NAMES, '#channels': 'channels' },
      ExpressionAttributeValues: {
        ':channels': { SS: [channel] },
        ':channel': { S: channel },
        ':most': { N: String(maxChannels) },
        ':now': { N: String(this.#now()) },
      },
      ReturnValues: 'ALL_NEW',
    });
    if (joined) {
      const row = await this.#settle(table, [connectionId, channel], toConnectionRow(joined));
      return row ? 'subscribed' : 'gone';
    }
    // An earlier attempt may have been cut off between its two writes.
    const row = await this.#settle(table, [connectionId, channel]);
    if (!row) return 'gone';
    return row.channels.has(channel) ? 'subscribed' : 'full';
  }

  async unsubscribe(connectionId: string, channel: string): Promise<boolean> {
    const table = await this.#open('unsubscribe a connection');
    const key = membershipKey(connectionId, channel);
    // The set comes second: cut off in between, the channel is still known, and so will be cleared.
    await table.delete(key);
    const before = await table.update({
      Key: connectionKey(connectionId),
      UpdateExpression: 'DELETE #channels :channels',
      ConditionExpression: 'contains(#channels, :channel)',
      ExpressionAttributeNames: { '#channels': 'channels' },
      ExpressionAttributeValues: { ':channels': { SS: [channel] }, ':channel': { S: channel } },
      ReturnValues: 'ALL_OLD',
    });
    // Also when its condition failed: an update that is sent again after its answer was lost finds its
    // own work done.
    if (await table.get(key)) await this.#settle(table, [connectionId, channel]);
    return before !== undefined && this.#isLive(toConnectionRow(before));
  }

  async subscribers(channel: string, range: SubscriberRange = {}): Promise<Page<Subscriber>> {
    const table = await this.#open('read the subscribers of a channel');
    return readSubscribers(table, { ...range, channel, now: this.#now() });
  }

  async channels(connectionId: string): Promise<readonly string[]> {
    const table = await this.#open('read the channels of a connection');
    return [...((await this.#read(table, connectionId))?.channels ?? [])];
  }

  async prune(connectionIds: readonly string[]): Promise<void> {
    for (const some of piecesOf([...new Set(connectionIds)], CONNECTIONS_AT_ONCE)) {
      await this.#remove(await this.#open('prune connections'), some);
    }
  }

  #open(operation: string): Promise<Table> {
    return this.#openTable(operation, this.#endsAt);
  }

  /** Writes a connection's row over a live one, keeping its channels; not over one of another time. */
  async #keep(
    table: Table,
    record: ConnectionRecord,
    channels: readonly string[],
  ): Promise<ConnectionRow | undefined> {
    const attributes = recordAttributes(record);
    const set = Object.keys(attributes).map((name) => `#${name} = :${name}`);
    const absent = RECORD_ATTRIBUTES.filter((name) => record[name] === undefined);
    const names = [...Object.keys(attributes), ...absent, 'closing'];
    const kept = await table.update({
      Key: connectionKey(record.connectionId),
      UpdateExpression: [
        `SET ${set.join(', ')}`,
        ...(absent.length > 0 ? [`REMOVE ${absent.map((name) => `#${name}`).join(', ')}`] : []),
        ...(channels.length > 0 ? ['ADD #channels :channels'] : []),
      ].join(' '),
      ConditionExpression: `attribute_not_exists(pk) OR (${LIVE})`,
      ExpressionAttributeNames: {
        ...Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ...(channels.length > 0 && { '#channels': 'channels' }),
      },
      ExpressionAttributeValues: {
        ...Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [`:${name}`, value]),
        ),
        ...(channels.length > 0 && { ':channels': { SS: [...channels] } }),
        ':now': { N: String(this.#now()) },
      },
      ReturnValues: 'ALL_NEW',
    });
    return kept && toConnectionRow(kept);
  }

  /** The row of a connection that is there. */
  async #read(table: Table, connectionId: string): Promise<ConnectionRow | undefined> {
    const item = await table.get(connectionKey(connectionId));
    const row = item && toConnectionRow(item);
    return row && this.#isLive(row) ? row : undefined;
  }

  #isLive({ record, closing }: ConnectionRow): boolean {
    return closing === undefined && record.expiresAt > this.#now();
  }

  /** Makes a membership row what the connection's row says; returns that row as it was seen last. */
  async #settle(
    table: Table,
    [connectionId, channel]: Membership,
    known?: ConnectionRow,
  ): Promise<ConnectionRow | undefined> {
    let row = known ?? (await this.#read(table, connectionId));
    for (;;) {
      const membership = toMembership(row, channel);
      if (membership) await table.put(membership);
      else await table.delete(membershipKey(connectionId, channel));
      const current = await this.#read(table, connectionId);
      if (asksForTheSame(row, current, channel)) return current;
      row = current;
    }
  }

  /**
   * Removes connections, each in three steps that may be cut off and repeated: the row is marked, which
   * ends the connection; the memberships go; the row goes, which holds their list until then.
   */
  async #remove(table: Table, connectionIds: readonly string[]): Promise<readonly ConnectionRow[]> {
    const marked = await inParallel(connectionIds, CONNECTIONS_AT_ONCE, (connectionId) =>
      table.update({
        Key: connectionKey(connectionId),
        UpdateExpression: 'SET #closing = if_not_exists(#closing, :closing)',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#closing': 'closing' },
        ExpressionAttributeValues: { ':closing': { S: randomUUID() } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    const rows = marked.flatMap((item) => (item ? [toConnectionRow(item)] : []));
    await table.write(
      rows.flatMap(({ record, channels }) =>
        [...channels].map((channel) => ({
          DeleteRequest: { Key: membershipKey(record.connectionId, channel) },
        })),
      ),
    );
    await inParallel(rows, CONNECTIONS_AT_ONCE, (row) => this.#drop(table, row));
    return rows;
  }

  async #drop(table: Table, { record, channels, closing }: ConnectionRow): Promise<void> {
    const { connectionId } = record;
    const key = connectionKey(connectionId);
    if (await table.deleteIf(key, ['closing', closing ?? ''])) return;
    // Another removal was faster, and the id may be in use again: with memberships deleted here.
    if (!(await this.#read(table, connectionId))) return;
    for (const channel of channels) await this.#settle(table, [connectionId, channel]);
  }
}
