import type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  Disconnected,
} from '../store/connections.js';
import { sorted } from './contract-fixtures.js';

/**
 * A step for one connection. `join` and `forget` are parts of a `connect`: `join` subscribes to a
 * channel, `forget` drops a pruned connection. `expire` lets its row expire.
 */
export type Action =
  | { readonly do: 'forget' }
  | { readonly do: 'join'; readonly channels: string[] }
  | { readonly do: 'connect'; readonly record: ConnectionRecord; readonly channels: string[] }
  | { readonly do: 'subscribe'; readonly channels: string[]; readonly limits: ChannelLimits }
  | { readonly do: 'unsubscribe'; readonly channels: string[] }
  | { readonly do: 'expire'; readonly record: ConnectionRecord }
  | { readonly do: 'disconnect' }
  | { readonly do: 'prune' };

/** A call of a store's method. */
export type CallAction = Exclude<Action, { readonly do: 'join' | 'forget' }>;

/** Makes the call, and returns its result in a form that can be compared. */
export async function perform(
  store: ConnectionStore,
  connectionId: string,
  action: CallAction,
): Promise<unknown> {
  if (action.do === 'connect') return store.connect(action.record, action.channels);
  if (action.do === 'subscribe') {
    return store.subscribe(connectionId, action.channels, action.limits);
  }
  if (action.do === 'unsubscribe') return store.unsubscribe(connectionId, action.channels);
  if (action.do === 'expire') return store.connect({ ...action.record, expiresAt: 1_000 }, []);
  if (action.do === 'prune') return store.prune([connectionId]);
  const left = await store.disconnect(connectionId);
  return left && { record: left.record, channels: sorted(left.channels) };
}

/** A model of one connection: the expected results and state of sequential steps. */
export class ConnectionModel {
  #record: ConnectionRecord | undefined;
  /** The pruned connection, for the next disconnect. */
  #pruned: Disconnected | undefined;
  readonly #channels = new Set<string>();

  /** `undefined` while the connection does not exist. */
  get record(): ConnectionRecord | undefined {
    return this.#record;
  }

  get channels(): readonly string[] {
    return sorted([...this.#channels]);
  }

  /** Performs a step, and returns the result that the store must return. */
  perform(action: Action): unknown {
    if (action.do === 'connect' || action.do === 'forget') this.#pruned = undefined;
    if (action.do === 'forget') return undefined;
    if (action.do === 'connect') this.#record = action.record;
    if (action.do === 'connect' || action.do === 'join') {
      // A join after the end of the connection has no effect.
      if (!this.#record) return undefined;
      for (const channel of action.channels) this.#channels.add(channel);
      return undefined;
    }
    if (action.do === 'subscribe') return this.#subscribe(action.channels, action.limits);
    if (action.do === 'unsubscribe') {
      const left = new Set(action.channels.filter((channel) => this.#channels.delete(channel)));
      return action.channels.map((channel) => left.has(channel));
    }
    const { record, channels } = this;
    const removed = record ? { record, channels } : this.#pruned;
    this.#record = undefined;
    this.#channels.clear();
    this.#pruned = action.do === 'prune' ? removed : undefined;
    return action.do === 'disconnect' ? removed : undefined;
  }

  #subscribe(channels: readonly string[], { maxChannels, maxBytes }: ChannelLimits): unknown {
    if (!this.#record) return channels.map(() => 'gone');
    const results = new Map<string, string>();
    for (const channel of channels) {
      if (results.has(channel)) continue;
      const bytes = Buffer.byteLength([...this.#channels, channel].join(''));
      const isFull = this.#channels.size >= maxChannels || bytes > maxBytes;
      const result = isFull ? 'full' : 'subscribed';
      results.set(channel, this.#channels.has(channel) ? 'present' : result);
      if (!isFull) this.#channels.add(channel);
    }
    return channels.map((channel) => results.get(channel));
  }
}
