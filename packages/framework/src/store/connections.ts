/** What a store keeps of a connection. */
export interface ConnectionRecord {
  readonly connectionId: string;
  /** API, stage and Region that the connection belongs to: a queue job has no event to read them from. */
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /**
   * When the row is dead whatever was heard of it, in milliseconds since 1970: 2 h 15 min after it
   * was opened, because API Gateway cuts every connection at 2 h (Amazon API Gateway quotas). A
   * store hides the row from then on.
   */
  readonly expiresAt: number;
  readonly userId?: string;
  /** When the identity ends, in milliseconds since 1970. */
  readonly identityExpiresAt?: number;
  /** The identity as one JSON string, where it was established in `$connect` itself. */
  readonly identity?: string;
}

/** One subscriber of a channel, with what delivery needs to know. */
export interface Subscriber {
  readonly connectionId: string;
  /** When the connection was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** When the identity ends, in milliseconds since 1970. */
  readonly identityExpiresAt?: number;
}

/** Some of a long list, and where to go on. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Pass it as `after` to get the next page; absent on the last one. */
  readonly next?: string;
}

/** Which part of a channel's subscribers to read. */
export interface SubscriberRange {
  /** Connection ids from this one on. Workers share a channel by ranges. */
  readonly from?: string;
  /** Connection ids before this one. */
  readonly to?: string;
  /** `next` of the page before. */
  readonly after?: string;
  /** Most subscribers a page may hold. @default the store's own page size */
  readonly limit?: number;
}

/** What became of a subscription. `gone`: the store has no such connection; `full`: it is at its limit. */
export type SubscribeResult = 'subscribed' | 'gone' | 'full';

/**
 * Where connections and their subscriptions live. Expired rows are never returned. Every method may
 * be called again with the same arguments and leaves the same state.
 *
 * `subscribe` and `disconnect` may race: a subscription is written first and undone when the
 * connection's row is gone by then, and `disconnect` removes the row first and the memberships
 * second, so that neither leaves a membership without a connection behind.
 *
 * @throws StoreError - from every method, when the store fails.
 */
export interface ConnectionStore {
  /** Version of this contract. */
  readonly contract: 1;
  /** Keeps a connection and subscribes it to channels. */
  connect(connection: ConnectionRecord, channels: readonly string[]): Promise<void>;
  /** The connection; a strongly consistent read. */
  get(connectionId: string): Promise<ConnectionRecord | undefined>;
  /** Removes a connection and all its memberships; returns the channels it left. */
  disconnect(connectionId: string): Promise<readonly string[]>;
  /** Subscribes a connection, unless it would then have more than `maxChannels` channels. */
  subscribe(connectionId: string, channel: string, maxChannels: number): Promise<SubscribeResult>;
  /** Ends a subscription; returns whether there was one. */
  unsubscribe(connectionId: string, channel: string): Promise<boolean>;
  /** Subscribers of a channel in the order of their ids; a strongly consistent read. */
  subscribers(channel: string, range?: SubscriberRange): Promise<Page<Subscriber>>;
  /** Channels a connection is subscribed to. */
  channels(connectionId: string): Promise<readonly string[]>;
  /** Removes connections that turned out to be gone, with all their memberships. */
  prune(connectionIds: readonly string[]): Promise<void>;
  /**
   * The same store for what is left of one invocation: when `timeLeftMs` are over, counted from now, it
   * gives up instead of trying again. A store that never tries for longer than a moment leaves it out.
   */
  within?(timeLeftMs: number): ConnectionStore;
}
