import { checkOptions, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
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
import { sliceKey, sliceStart } from './slice.js';
import type { Store } from './store.js';

const PAGE_SIZE = 1_000;

interface Row {
  record: ConnectionRecord;
  readonly key: string;
  readonly channels: Set<string>;
}

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The clock, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * A store in the memory of one process: for tests, and for `gatecast dev` with one environment. On
 * AWS every execution environment would see only its own connections.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions('memoryStore()', options, { now: option.callback });
  return {
    name: 'memory',
    isInProcess: true,
    connections: new MemoryConnectionStore(options.now ?? Date.now),
  };
}

class MemoryConnectionStore implements ConnectionStore {
  readonly contract = 2;
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  readonly #channels = new Map<string, Members>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async connect(
    record: ConnectionRecord,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<void> {
    checkTime('keep a connection', limit);
    const { connectionId } = record;
    const row = this.#live(connectionId) ?? {
      record,
      key: sliceKey(connectionId),
      channels: new Set<string>(),
    };
    row.record = record;
    this.#rows.set(connectionId, row);
    for (const channel of channels) this.#join(row, channel);
  }

  async get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined> {
    checkTime('read a connection', limit);
    return this.#live(connectionId)?.record;
  }

  async disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined> {
    checkTime('remove a connection', limit);
    const row = this.#live(connectionId);
    if (!row) return undefined;
    this.#remove(row);
    return { record: row.record, channels: [...row.channels] };
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
    const left = new Set([...new Set(channels)].filter((channel) => row?.channels.delete(channel)));
    if (row) for (const channel of left) this.#leave(row, channel);
    return channels.map((channel) => left.has(channel));
  }

  async subscribers(
    channel: string,
    { from = 0, to = 1, after, limit: size = PAGE_SIZE }: SubscriberRange = {},
    limit?: TimeLimit,
  ): Promise<Page<Subscriber>> {
    checkTime('read the subscribers of a channel', limit);
    const rows = this.#channels.get(channel)?.inOrder ?? [];
    const start = sliceStart(from);
    const end = sliceStart(to);
    if (start === undefined || (end !== undefined && end <= start)) return { items: [] };
    const items: Subscriber[] = [];
    let last: string | undefined;
    for (let index = firstFrom(rows, start, after); index < rows.length; index += 1) {
      const row = rows[index] as Row;
      if (end !== undefined && row.key >= end) break;
      if (row.record.expiresAt <= this.#now()) continue;
      if (items.length === size) return { items, ...(last !== undefined && { next: last }) };
      items.push(subscriberOf(row.record));
      last = row.key;
    }
    return { items };
  }

  async channels(connectionId: string, limit?: TimeLimit): Promise<readonly string[]> {
    checkTime('read the channels of a connection', limit);
    return [...(this.#live(connectionId)?.channels ?? [])];
  }

  async prune(connectionIds: readonly string[], limit?: TimeLimit): Promise<void> {
    checkTime('prune connections', limit);
    for (const connectionId of connectionIds) {
      const row = this.#rows.get(connectionId);
      if (row) this.#remove(row);
    }
  }

  #live(connectionId: string): Row | undefined {
    const row = this.#rows.get(connectionId);
    if (!row || row.record.expiresAt > this.#now()) return row;
    this.#remove(row);
    return undefined;
  }

  #join(row: Row, channel: string): void {
    row.channels.add(channel);
    const members = this.#channels.get(channel) ?? new Members();
    this.#channels.set(channel, members);
    members.add(row);
  }

  #leave(row: Row, channel: string): void {
    const members = this.#channels.get(channel);
    members?.delete(row);
    if (members?.size === 0) this.#channels.delete(channel);
  }

  #remove(row: Row): void {
    this.#rows.delete(row.record.connectionId);
    for (const channel of row.channels) this.#leave(row, channel);
  }
}

/** The subscribers of one channel. They are put in order when they are read, not at each change. */
class Members {
  readonly #rows = new Set<Row>();
  #inOrder: readonly Row[] | undefined;

  get size(): number {
    return this.#rows.size;
  }

  /** In the order of their slices. Not changed by what comes later. */
  get inOrder(): readonly Row[] {
    this.#inOrder ??= [...this.#rows].sort((a, b) => (a.key < b.key ? -1 : 1));
    return this.#inOrder;
  }

  add(row: Row): void {
    if (this.#rows.has(row)) return;
    this.#rows.add(row);
    this.#inOrder = undefined;
  }

  delete(row: Row): void {
    if (this.#rows.delete(row)) this.#inOrder = undefined;
  }
}

/** Index of the first row at or after `start`, and after the cursor. */
function firstFrom(rows: readonly Row[], start: string, after: string | undefined): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { key } = rows[middle] as Row;
    if (key < start || (after !== undefined && key <= after)) low = middle + 1;
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

function checkTime(operation: string, { endsAt = Infinity, signal }: TimeLimit = {}): void {
  signal?.throwIfAborted();
  if (Date.now() < endsAt) return;
  const reason = 'the time for it was over';
  throw makeError('ERR_STORE_UNAVAILABLE', { store: 'memory', operation, reason });
}
