import type { AnyChannelType, ChannelName, ChannelType, ResetReason } from '@gatecast/protocol';
import type { Page } from '../store/connections.js';

/** Outcome of a delivery, counted in connections. @group Publishing */
export interface DeliveryCount {
  /** API Gateway accepted the event for them. */
  readonly delivered: number;
  /** Answered 410, or were closed because their token has expired. */
  readonly gone: number;
  /** Were not reached: the post failed, or time ran out. */
  readonly failed: number;
}

/** Options of {@link ServerChannel.publish}. @group Publishing */
export interface PublishOptions {
  /**
   * Id of the event, 1 to 64 characters. Two events on one channel with the same id are the same event: on a channel
   * with history the second one is not appended again, and with other content it is an error.
   * @default a random one; in the handler of a message, one that is the same if the message is sent again
   */
  readonly id?: string;
  /**
   * For events that are worthless a second later: posted once to each subscriber, without retries, and
   * never kept. @default false
   */
  readonly ephemeral?: boolean;
  /**
   * Does not deliver the event to the connection whose message is being handled. Allowed only inside a handler. On a
   * channel with history that connection finds the event there. @default nobody is left out
   */
  readonly except?: 'sender';
  /**
   * How long the publish may take, in milliseconds. Then the delivery ends, and `delivery.failed` counts those that
   * were not reached. Use it in a function with a short time-out that no WebSocket event has started.
   * @default what is left of the invocation of a WebSocket event; else 25,000 for the delivery
   */
  readonly timeoutMs?: number;
}

/** Result of {@link ServerChannel.publish}. @group Publishing */
export interface PublishResult {
  /** The event's id. */
  readonly id: string;
  /** Its place in the channel's history. Absent on a channel without history, and for an ephemeral event. */
  readonly position?: string;
  /**
   * Whether an earlier publish has put it into the history. On a channel without history always `false`: nothing is
   * remembered there.
   */
  readonly duplicate: boolean;
  /** How many subscribers it reached and how many it did not. */
  readonly delivery: DeliveryCount;
}

/** Which members of a channel to read. @group Publishing */
export interface MemberRange {
  /** `next` of the previous page. @default the first page */
  readonly after?: string;
  /** Most members of a page, 1 to 1,000. @default the store's own page size */
  readonly limit?: number;
}

/** A connection that is subscribed to a channel. @group Publishing */
export interface Member {
  readonly connectionId: string;
  /** Absent for a guest. */
  readonly userId?: string;
}

/**
 * Which events of a channel's history to read. Give `after` or `before`; without both, the latest are read.
 *
 * @group History
 */
export interface HistoryRange {
  /** Reads the events after this position, oldest first. */
  readonly after?: string;
  /** Reads the events that end before this position. */
  readonly before?: string;
  /** Most events, 0 to 1,000. With 0, only the position of the last event is read. @default 100 */
  readonly limit?: number;
}

/** One event of a channel's history. @group History */
export interface HistoryEvent<N extends string = string, D = unknown> {
  readonly event: N;
  readonly data: D;
  readonly id: string;
  /** When it was published. It may be earlier than that of the event before it; order is that of the history. */
  readonly at: Date;
  readonly position: string;
}

/** Any event of a channel's history, told apart by `event`. @group History */
export type HistoryEventOf<E extends object> = {
  [N in keyof E & string]: HistoryEvent<N, E[N]>;
}[keyof E & string];

/** A part of a channel's history. @group History */
export interface HistoryPage<E = HistoryEvent> {
  /** In order, and without a hole between them. */
  readonly events: readonly E[];
  /** Whether more follow in the direction of the read. A page ends at 1 MB, too. */
  readonly more: boolean;
  /** The position of the channel's last event. */
  readonly position: string;
  /**
   * Why the given position is of no use; then there are no events. `epoch`: the history began anew. `forked`: the
   * store has lost the event. `trimmed`: events behind it have been deleted.
   */
  readonly reset?: ResetReason;
}

/** A channel on the server, to publish on. @group Publishing */
export interface ServerChannel<E extends object = Record<string, unknown>> {
  /** The channel's name: `rooms/42`. */
  readonly name: string;
  /**
   * Publishes an event: puts it into the channel's history, if it has one, and delivers it to every subscriber before
   * it returns, at least once to each that can be reached. A post that gets 429, 5xx or no answer is retried for up to 5 s. The delivery ends in
   * time for the invocation to be answered, and after 25 s or `timeoutMs` at the latest. If a post fails, it is counted
   * and reported to the plugins' `onError`, and `publish` does not reject. Await `publish`: if a handler
   * returns first, its answer is sent only when `publish` has ended.
   *
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_PUBLISH_UNKNOWN_CHANNEL, ERR_PUBLISH_EVENT,
   * ERR_PUBLISH_ID, ERR_PUBLISH_SENDER; ERR_PUBLISH_DATA, for data that JSON cannot express;
   * ERR_EVENT_TOO_LARGE, for a frame over 32,768 bytes, and with history for an event over 32,128;
   * ERR_ID_REUSED, for an id that another event was given; ERR_PUBLISH_ORDER, in a handler that runs again and
   * publishes other events than the first time; ERR_SEND_IN_CONNECT, in a connect handler;
   * ERR_INVOCATION_OVER, after the invocation has been answered.
   * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, outside of any event; ERR_ENDPOINT_INVALID;
   * ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
   * @throws StoreError - if the event cannot be kept. It may be in the history nevertheless: publish it again with the
   * same id. Without history: if the subscribers cannot be read.
   * @throws ClientError - ERR_OUTCOME_UNKNOWN, if the function slept while the event was appended. It may be in the
   * history.
   */
  publish<N extends keyof E & string>(
    event: N,
    data: E[N],
    options?: PublishOptions,
  ): Promise<PublishResult>;
  /**
   * Who is subscribed, page by page, in no meaningful order. A page may be empty and still have a `next`.
   * Connections of other stages that share the store are left out. Outside of any event, they are
   * included if neither an option nor the environment names the app's own stage.
   *
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_PUBLISH_UNKNOWN_CHANNEL, ERR_INVOCATION_OVER.
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; outside of any event also
   * ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN.
   * @throws StoreError - if they cannot be read.
   */
  members(range?: MemberRange): Promise<Page<Member>>;
  /**
   * Reads the channel's history: `history({ limit: 50 })` returns the latest 50 events,
   * `history({ after: position })` those that followed.
   *
   * @typeParam V - The data of each event by its name. @default the channel's own
   *
   * @throws UsageError - ERR_HISTORY_OFF, ERR_HISTORY_POSITION, ERR_PUBLISH_CHANNEL, ERR_PUBLISH_UNKNOWN_CHANNEL,
   * ERR_INVOCATION_OVER.
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_OPTION_CONFLICT.
   * @throws StoreError - if it cannot be read.
   */
  // The parameter keeps E out of the comparison of two channels, which must not depend on what is read.
  history<V extends object = E>(range?: HistoryRange): Promise<HistoryPage<HistoryEventOf<V>>>;
  /**
   * Deletes the contents of all events in the history, such as when a user asks for it. Ids stay known, and positions
   * continue. If it fails, call it again.
   *
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN: it takes no options.
   * @throws UsageError - ERR_HISTORY_OFF, ERR_PUBLISH_CHANNEL, ERR_PUBLISH_UNKNOWN_CHANNEL, ERR_INVOCATION_OVER.
   * @throws StoreError - if it cannot be deleted completely.
   */
  purge(): Promise<void>;
}

/** Anything that can publish: an app, a publisher, `ctx.app`. @group Publishing */
export interface Publishing {
  /**
   * A channel by its name. The type parameter is the channel's contract.
   *
   * Make the name with `channelName()` if a part of it comes from outside: with `'users/' + to`, the user
   * `bob/alerts` would be another channel, maybe even of another class.
   *
   * @example
   * ```ts
   * await app.channel<Room>(channelName('rooms/:roomId', { roomId })).publish('message', { text });
   * ```
   */
  channel<C extends AnyChannelType = ChannelType>(
    name: ChannelName<C['pattern']>,
  ): ServerChannel<C['events']>;
}

/** Options of {@link ServerConnection.disconnect}. @group Publishing */
export interface DisconnectOptions {
  /** Whether the client should reconnect by itself, with a new token. @default false */
  readonly reconnect?: boolean;
  /**
   * Sent to the client, for its application and for people. @default 'The server has ended the
   * connection.'
   */
  readonly reason?: string;
}

/** A connection on the server, to end it or its subscriptions. @group Publishing */
export interface ServerConnection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /**
   * Tells the client (`bye`) and closes the connection. `$disconnect` follows and runs the handlers.
   * Returns whether the connection was open.
   *
   * @throws DeliveryError - if API Gateway cannot be reached or refuses the request.
   * @throws UsageError - ERR_INVOCATION_OVER; ERR_SEND_IN_CONNECT, for the connection that is being opened.
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; outside of any event
   * ERR_ENDPOINT_UNKNOWN, ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN.
   */
  disconnect(options?: DisconnectOptions): Promise<boolean>;
  /**
   * Ends a subscription: no event that is published afterwards reaches the connection on that channel.
   * Runs `@OnUnsubscribe` and tells the client (`unsubscribed`), which does not subscribe again by
   * itself. Returns whether there was a subscription. To prevent the client from subscribing again, use
   * the access rule.
   *
   * @param reason - Sent to the client, for its application and for people. @default 'The server has
   * ended the subscription.'
   *
   * @throws StoreError - if the store fails.
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_INVOCATION_OVER; ERR_SEND_IN_CONNECT, for the connection
   * that is being opened.
   * @throws ConfigurationError - outside of any event ERR_ENDPOINT_UNKNOWN, ERR_ENDPOINT_INVALID,
   * ERR_REGION_UNKNOWN.
   */
  unsubscribe(channel: string, reason?: string): Promise<boolean>;
}

/** The actions of `ctx.app`. @group Publishing */
export interface AppActions extends Publishing {
  /** A connection of this stage by its id. */
  connection(id: string): ServerConnection;
}
