import { checkOptions } from '../errors/check-options.js';
import type {
  ConnectionRecord,
  ConnectionStore,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from './connections.js';
import type { Store } from './store.js';

const PAGE_SIZE = 1_000;

interface Row {
  readonly record: ConnectionRecord;
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
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions('memoryStore()', options, ['now']);
  return {
    name: 'memory',
    isInProcess: true,
    connections: new MemoryConnectionStore(options.now ?? Date.now),
  };
}

class MemoryConnectionStore implements ConnectionStore {
  readonly contract = 1;
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  readonly #subscribers = new Map<string, Map<string, Subscriber>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async connect(record: ConnectionRecord, channels: readonly string[]): Promise<void> {
    const row = this.#live(record.connectionId) ?? { record, channels: new Set<string>() };
    this.#rows.set(record.connectionId, { record, channels: row.channels });
    for (const channel of channels) this.#join(row, channel);
  }

  async get(connectionId: string): Promise<ConnectionRecord | undefined> {
    return this.#live(connectionId)?.record;
  }

  async disconnect(connectionId: string): Promise<readonly string[]> {
    const row = this.#live(connectionId);
    if (!row) return [];
    this.#remove(connectionId, row);
    return [...row.channels];
  }

  async subscribe(
    connectionId: string,
    channel: string,
    maxChannels: number,
  ): Promise<SubscribeResult> {
    const row = this.#live(connectionId);
    if (!row) return 'gone';
    if (!row.channels.has(channel) && row.channels.size >= maxChannels) return 'full';
    this.#join(row, channel);
    return 'subscribed';
  }

  async unsubscribe(connectionId: string, channel: string): Promise<boolean> {
    const wasSubscribed = this.#live(connectionId)?.channels.delete(channel) ?? false;
    this.#leave(connectionId, channel);
    return wasSubscribed;
  }

  async subscribers(channel: string, range: SubscriberRange = {}): Promise<Page<Subscriber>> {
    const { from = '', to, after, limit = PAGE_SIZE } = range;
    const rest = [...(this.#subscribers.get(channel)?.values() ?? [])]
      .filter(({ connectionId: id }) => this.#live(id))
      .filter(({ connectionId: id }) => id >= from && (to === undefined || id < to))
      .filter(({ connectionId: id }) => after === undefined || id > after)
      .sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    return rest.length > items.length && last ? { items, next: last.connectionId } : { items };
  }

  async channels(connectionId: string): Promise<readonly string[]> {
    return [...(this.#live(connectionId)?.channels ?? [])];
  }

  async prune(connectionIds: readonly string[]): Promise<void> {
    for (const connectionId of connectionIds) await this.disconnect(connectionId);
  }

  #live(connectionId: string): Row | undefined {
    const row = this.#rows.get(connectionId);
    if (!row || row.record.expiresAt > this.#now()) return row;
    this.#remove(connectionId, row);
    return undefined;
  }

  #join({ record, channels }: Row, channel: string): void {
    channels.add(channel);
    const members = this.#subscribers.get(channel) ?? new Map<string, Subscriber>();
    this.#subscribers.set(channel, members);
    const { connectionId, connectedAt, identityExpiresAt } = record;
    members.set(connectionId, {
      connectionId,
      connectedAt,
      ...(identityExpiresAt !== undefined && { identityExpiresAt }),
    });
  }

  #leave(connectionId: string, channel: string): void {
    const members = this.#subscribers.get(channel);
    members?.delete(connectionId);
    if (members?.size === 0) this.#subscribers.delete(channel);
  }

  #remove(connectionId: string, row: Row): void {
    this.#rows.delete(connectionId);
    for (const channel of row.channels) this.#leave(connectionId, channel);
  }
}
