import type { TimeLimit } from '../time/time-limit.js';

/**
 * The data of a connection that a store keeps. A store returns every field unchanged, including unknown
 * ones, because two versions share a table during a deployment. The value of an unknown field is a
 * string, a number or a boolean.
 *
 * @group Stores
 */
export interface ConnectionRecord {
  readonly connectionId: string;
  /** API, stage and Region that the connection belongs to. */
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /**
   * When the row expires if there is no `$disconnect`, in milliseconds since 1970: 2 h 15 min after the
   * connection was opened, because API Gateway closes every connection after 2 h (Amazon API Gateway
   * quotas). From then on, a store must not return the row.
   */
  readonly expiresAt: number;
  readonly userId?: string;
  /** When the identity expires, in milliseconds since 1970. */
  readonly identityExpiresAt?: number;
  /** The identity as one JSON string, if the authorizer ran inside `$connect`. */
  readonly identity?: string;
}

/**
 * One subscriber of a channel, with the data for delivery: all fields of the record except `expiresAt`
 * and `identity`, including unknown fields.
 *
 * @group Stores
 */
export type Subscriber = Omit<ConnectionRecord, 'expiresAt' | 'identity'>;

/**
 * Part of a long list, and where the next part begins. A page may have fewer items than requested, or
 * none at all, and still have a next page.
 *
 * @group Stores
 */
export interface Page<T> {
  readonly items: readonly T[];
  /** Pass it as `after` to get the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * Which part of a channel's subscribers to read. Ids are hashed to fractions from 0 to 1 (`sliceOf`), and
 * a range is a part of these, rounded to 1/65,536. If the ranges of several readers divide 0 to 1, each
 * subscriber is in exactly one range.
 *
 * @group Stores
 */
export interface SubscriberRange {
  /** First fraction of the range; less than 0 counts as 0. @default 0 */
  readonly from?: number;
  /**
   * End of the range, which is not part of it; more than 1 counts as 1. If it is not greater than `from`,
   * the range is empty. @default 1
   */
  readonly to?: number;
  /**
   * `next` of a previous page, of this or another range. Only subscribers behind that page are returned,
   * even if the last one on it has left meanwhile.
   *
   * @default the beginning of the range
   */
  readonly after?: string;
  /** Most subscribers on a page; less than 1 counts as 1. @default the store's own page size */
  readonly limit?: number;
}

/** Limits of a connection's subscriptions. @group Stores */
export interface ChannelLimits {
  /** Most channels at once. */
  readonly maxChannels: number;
  /** Most bytes that the names of its channels may have in total. */
  readonly maxBytes: number;
}

/**
 * The result for one channel. `subscribed`: the subscription is new. `present`: it existed already.
 * `full`: it would exceed a limit of the connection. `gone`: the store does not have the connection.
 *
 * @group Stores
 */
export type SubscribeResult = 'subscribed' | 'present' | 'full' | 'gone';

/** A connection that was removed. @group Stores */
export interface Disconnected {
  readonly record: ConnectionRecord;
  /** The channels that it was subscribed to, in any order. */
  readonly channels: readonly string[];
}

/**
 * Keeps connections and their subscriptions: version 2 of the contract.
 *
 * Expired rows are never returned. Calling a method again with the same arguments leads to the same
 * state, but may return something else.
 *
 * If an answer of the database is lost, a store may repeat a step. If another call for the same
 * connection ran in between, `subscribe` may then return `present` and `unsubscribe` may return `false`
 * for changes that they made themselves. They never report changes of another call as their own.
 *
 * Calls for one connection may run concurrently. For each channel a call is atomic, but between two
 * channels of one call, other calls may take effect. No call leaves a membership of a connection that is
 * gone.
 *
 * Every method takes a time limit as its last argument and ends within it. It starts no work after
 * `endsAt`, after the signal was aborted, or after it has failed. A call that was cut off may leave a
 * membership behind. It is removed by the next removal of its connection; if another call removed
 * something at the same time, by repeating the interrupted call; and by the expiry of the row at the
 * latest.
 *
 * @throws StoreError - from every method, if the store fails or the time is over.
 * @throws unknown - the `reason` of the signal, from every method, after it was aborted.
 * @group Stores
 */
export interface ConnectionStore {
  /** Version of this contract. */
  readonly contract: 2;
  /**
   * Saves a connection and subscribes it to channels, without limits. If the connection exists, the new
   * record replaces the old one in all of its channels, fields that only the old one had are removed, and
   * the channels are added. If the connection has expired, was pruned or is being removed, it starts as a
   * new connection, and no `disconnect` returns the pruned one.
   */
  connect(
    connection: ConnectionRecord,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<void>;
  /** Reads a connection, with strong consistency. */
  get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined>;
  /**
   * Removes a connection and all its memberships. Of several calls for one connection, only one returns
   * what was removed; the others return `undefined`, and so does a call for an unknown connection. The
   * first call after a {@link ConnectionStore.prune} returns the pruned connection. So the handlers at
   * the end of a connection run exactly once, even if a delivery noticed the end first.
   */
  disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined>;
  /**
   * Subscribes a connection to channels, in the given order. A channel that would exceed a limit is
   * `full` and changes nothing; a later one with a shorter name may still fit. Both limits are exact,
   * even for concurrent calls. Returns one result for each channel, in the same order; a name that
   * appears twice gets the same result twice.
   */
  // oxlint-disable-next-line max-params -- the time limit comes last in every method.
  subscribe(
    connectionId: string,
    channels: readonly string[],
    limits: ChannelLimits,
    limit?: TimeLimit,
  ): Promise<readonly SubscribeResult[]>;
  /**
   * Ends subscriptions. Returns for each channel, in the same order, whether there was a subscription; a
   * name that appears twice gets the same result twice.
   */
  unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]>;
  /**
   * Reads the subscribers of a channel with strong consistency, ordered by slice and then by the
   * characters of their ids.
   */
  subscribers(
    channel: string,
    range?: SubscriberRange,
    limit?: TimeLimit,
  ): Promise<Page<Subscriber>>;
  /** The channels of a connection, in any order. */
  channels(connectionId: string, limit?: TimeLimit): Promise<readonly string[]>;
  /**
   * Removes connections that turned out to be gone, with all their memberships. Only `disconnect` still
   * returns each of them once, with its channels, until its expiry.
   */
  prune(connectionIds: readonly string[], limit?: TimeLimit): Promise<void>;
}
