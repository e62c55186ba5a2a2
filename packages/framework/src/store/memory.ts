import { checkOptions, option } from '../errors/check-options.js';
import type { TimeLimit } from '../time/time-limit.js';
import type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  Disconnected,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from './connections.js';
import { MemoryMessageLog } from './memory-log.js';
import { checkTime } from './memory-time.js';
import { sliceKey, sliceStart } from './slice.js';
import type { Store } from './store.js';

const PAGE_SIZE = 1_000;

interface Row {
  record: ConnectionRecord;
  readonly key: string;
  readonly channels: Set<string>;
}

/** Options of {@link memoryStore}. @group Stores */
export interface MemoryStoreOptions {
  /** The clock, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * A store in the memory of one process: for tests, and for `gatecast dev` with one environment. On
 * AWS every execution environment would see only its own connections.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 * @group Start here
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions('memoryStore()', options, { now: option.callback });
  const { now = Date.now } = options;
  return {
    name: 'memory',
    isInProcess: true,
    connections: new MemoryConnectionStore(now),
    log: new MemoryMessageLog(now),
  };
}

class MemoryConnectionStore implements ConnectionStore {
  readonly contract = 2;
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  /** Pruned connections that no disconnect has returned yet, oldest first. */
  readonly #pruned = new Map<string, Disconnected>();
  /** The subscribers of each channel, ordered by slice. */
  readonly #channels = new Map<string, Row[]>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async connect(
    record: ConnectionRecord,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<void> {
    checkTime('save a connection', limit);
    const { connectionId } = record;
    const row = this.#live(connectionId) ?? {
      record,
      key: sliceKey(connectionId),
      channels: new Set<string>(),
    };
    row.record = record;
    this.#rows.set(connectionId, row);
    this.#pruned.delete(connectionId);
    for (const channel of channels) this.#join(row, channel);
  }

  async get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined> {
    checkTime('read a connection', limit);
    return this.#live(connectionId)?.record;
  }

  async disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined> {
    checkTime('remove a connection', limit);
    const row = this.#live(connectionId);
    if (row) return this.#remove(row);
    const pruned = this.#pruned.get(connectionId);
    this.#pruned.delete(connectionId);
    return pruned && !this.#isExpired(pruned) ? pruned : undefined;
  }

  // oxlint-disable-next-line max-params -- as in the contract.
  async subscribe(
    connectionId: string,
    channels: readonly string[],
    { maxChannels, maxBytes }: ChannelLimits,
    limit?: TimeLimit,
  ): Promise<readonly SubscribeResult[]> {
    checkTime('subscribe a connection', limit);
    const row = this.#live(connectionId);
    if (!row) return channels.map(() => 'gone');
    let bytes = 0;
    for (const channel of row.channels) bytes += Buffer.byteLength(channel);
    const results = new Map<string, SubscribeResult>();
    for (const channel of new Set(channels)) {
      const size = Buffer.byteLength(channel);
      if (row.channels.has(channel)) {
        results.set(channel, 'present');
      } else if (row.channels.size >= maxChannels || bytes + size > maxBytes) {
        results.set(channel, 'full');
      } else {
        bytes += size;
        this.#join(row, channel);
        results.set(channel, 'subscribed');
      }
    }
    return channels.map((channel) => results.get(channel) as SubscribeResult);
  }

  async unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]> {
    checkTime('unsubscribe a connection', limit);
    const row = this.#live(connectionId);
    if (!row) return channels.map(() => false);
    const left = new Set(channels.filter((channel) => row.channels.has(channel)));
    for (const channel of left) this.#leave(row, channel);
    return channels.map((channel) => left.has(channel));
  }

  async subscribers(
    channel: string,
    { from = 0, to = 1, after, limit = PAGE_SIZE }: SubscriberRange = {},
    time?: TimeLimit,
  ): Promise<Page<Subscriber>> {
    checkTime('read the subscribers of a channel', time);
    const start = sliceStart(from);
    const end = sliceStart(to);
    if (start === undefined) return { items: [] };
    const rows = this.#channels.get(channel) ?? [];
    const size = limit >= 1 ? Math.floor(limit) : 1;
    const items: Subscriber[] = [];
    const expired: Row[] = [];
    let last: string | undefined;
    let next: string | undefined;
    for (let index = firstFrom(rows, start, after); index < rows.length; index += 1) {
      const row = rows[index] as Row;
      if (end !== undefined && row.key >= end) break;
      if (this.#isExpired(row)) {
        expired.push(row);
        continue;
      }
      if (items.length === size) {
        next = last;
        break;
      }
      items.push(subscriberOf(row.record));
      last = row.key;
    }
    for (const row of expired) this.#remove(row);
    return { items, ...(next !== undefined && { next }) };
  }

  async channels(connectionId: string, limit?: TimeLimit): Promise<readonly string[]> {
    checkTime('read the channels of a connection', limit);
    return [...(this.#live(connectionId)?.channels ?? [])];
  }

  async prune(connectionIds: readonly string[], limit?: TimeLimit): Promise<void> {
    checkTime('prune connections', limit);
    for (const connectionId of connectionIds) {
      const row = this.#live(connectionId);
      if (row) this.#pruned.set(connectionId, this.#remove(row));
    }
    // The oldest come first, so the search ends at the first one that has not expired.
    for (const [connectionId, pruned] of this.#pruned) {
      if (!this.#isExpired(pruned)) return;
      this.#pruned.delete(connectionId);
    }
  }

  #live(connectionId: string): Row | undefined {
    const row = this.#rows.get(connectionId);
    if (!row || !this.#isExpired(row)) return row;
    this.#remove(row);
    return undefined;
  }

  #isExpired({ record }: Pick<Row, 'record'>): boolean {
    return record.expiresAt <= this.#now();
  }

  #join(row: Row, channel: string): void {
    if (row.channels.has(channel)) return;
    row.channels.add(channel);
    const rows = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, rows);
    rows.splice(firstFrom(rows, row.key), 0, row);
  }

  #leave(row: Row, channel: string): void {
    row.channels.delete(channel);
    const rows = this.#channels.get(channel) ?? [];
    rows.splice(firstFrom(rows, row.key), 1);
    if (rows.length === 0) this.#channels.delete(channel);
  }

  #remove(row: Row): Disconnected {
    const { record } = row;
    const channels = [...row.channels];
    this.#rows.delete(record.connectionId);
    for (const channel of channels) this.#leave(row, channel);
    return { record, channels };
  }
}

/** Index of the first row whose key is at or after `key`, and after `after`. */
function firstFrom(rows: readonly Row[], key: string, after = ''): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle] as Row;
    if (row.key < key || row.key <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function subscriberOf({
  expiresAt: _expiresAt,
  identity: _identity,
  ...subscriber
}: ConnectionRecord): Subscriber {
  return subscriber;
}
