import type { TimeLimit } from '../time/time-limit.js';

/**
 * What a store keeps of a connection. It returns every field as it was given, also one that it does not
 * know: bundles of two versions share a table during a deployment. Such a field is a text, a number or a
 * boolean.
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
   * When the row ends even if no `$disconnect` has come, in milliseconds since 1970: 2 h 15 min after
   * the connection was opened, because API Gateway cuts every connection at 2 h (Amazon API Gateway
   * quotas). A store hides the row from then on.
   */
  readonly expiresAt: number;
  readonly userId?: string;
  /** When the identity ends, in milliseconds since 1970. */
  readonly identityExpiresAt?: number;
  /** The identity as one JSON string, where it was established in `$connect` itself. */
  readonly identity?: string;
}

/**
 * One subscriber of a channel, with what delivery needs to know: all fields of the record except
 * `expiresAt` and `identity`, including fields that the store does not know.
 */
export type Subscriber = Omit<ConnectionRecord, 'expiresAt' | 'identity'>;

/**
 * Some of a long list, and where to go on. A page may hold fewer items than were asked for, even none,
 * and still have a next one.
 */
export interface Page<T> {
  readonly items: readonly T[];
  /** Pass it as `after` to get the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * Which part of a channel's subscribers to read: a part of the space into which their ids are hashed
 * (`sliceOf`), as fractions that are rounded to 1/65,536. Any division of 0 to 1 holds each subscriber
 * once.
 */
export interface SubscriberRange {
  /** From this fraction on; less than 0 counts as 0. @default 0 */
  readonly from?: number;
  /** Before this fraction; more than 1 counts as 1. A range that does not end above `from` is empty. @default 1 */
  readonly to?: number;
  /**
   * `next` of a page before, of this range or another one. Only subscribers behind that page are
   * returned, also when the last one on it has left since.
   *
   * @default the range is read from its beginning
   */
  readonly after?: string;
  /** Most subscribers a page may hold; less than 1 counts as 1. @default the store's own page size */
  readonly limit?: number;
}

/** How much a connection may be subscribed to. */
export interface ChannelLimits {
  /** Most channels at once. */
  readonly maxChannels: number;
  /** Most bytes that the names of its channels may have together. */
  readonly maxBytes: number;
}

/**
 * What became of one subscription. `subscribed`: it is new. `present`: it was there already. `full`:
 * the connection is at one of its limits. `gone`: the store has no such connection.
 */
export type SubscribeResult = 'subscribed' | 'present' | 'full' | 'gone';

/** A connection that was removed. */
export interface Disconnected {
  readonly record: ConnectionRecord;
  /** The channels it left, in any order. */
  readonly channels: readonly string[];
}

/**
 * Where connections and their subscriptions live: version 2 of the contract.
 *
 * Expired rows are never returned. Every method may be called again with the same arguments and leaves
 * the same state; what it returns may differ then.
 *
 * When an answer of its engine is lost, a store may repeat a step. If another call for the connection came
 * in between, `subscribe` may then return `present`, and `unsubscribe` `false`, for what they did
 * themselves. They never claim what another call did.
 *
 * Calls for one connection may race. On each channel a call acts at once, entirely before or entirely
 * after another call; between two channels of one call, other calls may act. No call leaves a membership
 * behind whose connection is gone.
 *
 * Every method takes a time limit as its last argument, and ends within it. It begins nothing after
 * `endsAt`, after the signal is aborted, or after it has failed. A call that was cut off may leave a
 * membership behind. The next removal of its connection removes that, too; where another call removed
 * something at the same time, the same call made again does; and the row's expiry does at the latest.
 *
 * @throws StoreError - from every method, when the store fails or the time is over.
 * @throws unknown - the `reason` of the signal, from every method, once it is aborted.
 */
export interface ConnectionStore {
  /** Version of this contract. */
  readonly contract: 2;
  /**
   * Keeps a connection and subscribes it to channels, however many they are. When it is there already,
   * the new record replaces the old one for all of its channels, also the fields that the new one does
   * not have, and the channels are added. When it has expired, was pruned or is being removed, it starts
   * afresh, and no `disconnect` returns what was pruned.
   */
  connect(
    connection: ConnectionRecord,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<void>;
  /** The connection; a strongly consistent read. */
  get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined>;
  /**
   * Removes a connection and all its memberships. Of several calls for one connection only one returns
   * what was removed; the others, and a call for an unknown connection, return `undefined`. The first call
   * after a {@link ConnectionStore.prune} returns what that removed: so handlers that run at the end of a
   * connection run once, even if a delivery noticed the end first.
   */
  disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined>;
  /**
   * Subscribes a connection to channels, one after the other in the order given. One that would exceed
   * a limit is `full` and changes nothing; a shorter one behind it may still fit. Both limits are exact,
   * also when calls race. Returns one result a channel, in the same order; a name that stands there
   * twice has the same result twice.
   */
  // oxlint-disable-next-line max-params -- as every method, with its time limit last.
  subscribe(
    connectionId: string,
    channels: readonly string[],
    limits: ChannelLimits,
    limit?: TimeLimit,
  ): Promise<readonly SubscribeResult[]>;
  /**
   * Ends subscriptions. Returns for each, in the same order, whether there was one; a name that stands
   * there twice has the same result twice.
   */
  unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]>;
  /**
   * Subscribers of a channel in the order of their slices, then of the characters of their ids; a
   * strongly consistent read.
   */
  subscribers(
    channel: string,
    range?: SubscriberRange,
    limit?: TimeLimit,
  ): Promise<Page<Subscriber>>;
  /** Channels a connection is subscribed to, in any order. */
  channels(connectionId: string, limit?: TimeLimit): Promise<readonly string[]>;
  /**
   * Removes connections that turned out to be gone, with all their memberships. They are gone for every
   * method but `disconnect`, which still returns each of them once, with the channels it had, until it
   * would have expired.
   */
  prune(connectionIds: readonly string[], limit?: TimeLimit): Promise<void>;
}
