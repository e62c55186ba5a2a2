import type { AnyChannelType, ChannelName, ChannelType } from '@gatecast/protocol';
import type { Page } from '../store/connections.js';

/** What became of an event, counted in connections. */
export interface DeliveryCount {
  /** API Gateway took the event for them. */
  readonly delivered: number;
  /** Answered 410, or were closed because their token has expired. */
  readonly gone: number;
  /** Were not reached: the post failed, or the time was over. */
  readonly failed: number;
}

/** How to publish. */
export interface PublishOptions {
  /** Names the event; the same id on the same channel is the same event. 1 to 64 characters. @default a random one */
  readonly id?: string;
  /** Tried once for each subscriber and never kept: for what is worthless a second later. @default false */
  readonly ephemeral?: boolean;
  /** Leaves out the connection whose message is being handled. Only inside a handler. @default nobody is left out */
  readonly except?: 'sender';
}

/** What became of a publish. */
export interface PublishResult {
  /** The event's id. */
  readonly id: string;
  /** How many subscribers it reached, and how many it did not. */
  readonly delivery: DeliveryCount;
}

/** Which members of a channel to read. */
export interface MemberRange {
  /** `next` of the page before. @default the first page */
  readonly after?: string;
  /** Most members of a page, 1 to 1,000. @default the store's own page size */
  readonly limit?: number;
}

/** A connection that is subscribed to a channel. */
export interface Member {
  readonly connectionId: string;
  /** Absent for a guest. */
  readonly userId?: string;
}

/** A channel, as a server publishes on it. */
export interface ServerChannel<E extends object = Record<string, unknown>> {
  /** The channel's name: `rooms/42`. */
  readonly name: string;
  /**
   * Publishes an event and delivers it to every subscriber before it returns: at least once to each
   * that could be reached. A post that meets 429, 5xx or a time-out is tried again, for 5 s in all. The
   * delivery ends in time for the invocation to be answered, and after 25 s at the latest. A post that
   * fails is counted and told to the plugins' `onError`; it does not reject. Await `publish`: a handler
   * that returns first is answered when it has ended.
   *
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_PUBLISH_UNKNOWN_CHANNEL, ERR_PUBLISH_EVENT,
   * ERR_PUBLISH_ID, ERR_PUBLISH_SENDER; ERR_PUBLISH_DATA, for data that JSON cannot hold;
   * ERR_EVENT_TOO_LARGE, for a frame over 32,768 bytes; ERR_SEND_IN_CONNECT, in a connect handler;
   * ERR_INVOCATION_OVER, after the invocation has been answered.
   * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, outside of any event; ERR_ENDPOINT_INVALID;
   * ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
   * @throws StoreError - when the subscribers cannot be read.
   */
  publish<N extends keyof E & string>(
    event: N,
    data: E[N],
    options?: PublishOptions,
  ): Promise<PublishResult>;
  /**
   * Who is subscribed, page by page, in no meaningful order. A page may be empty and still have a `next`.
   * Connections of other stages that share the store are left out; outside of any event they are
   * included when neither an option nor the environment names the own stage.
   *
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_PUBLISH_UNKNOWN_CHANNEL, ERR_INVOCATION_OVER.
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; outside of any event also
   * ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN.
   * @throws StoreError - when they cannot be read.
   */
  members(range?: MemberRange): Promise<Page<Member>>;
}

/** Something one can publish through: an app, a publisher, `ctx.app`. */
export interface Publishing {
  /**
   * A channel by its name. The type parameter is the channel's contract.
   *
   * Make the name with `channelName()` whenever a part of it comes from outside: in
   * `'users/' + to` a user called `bob/alerts` is another channel, perhaps of another class.
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

/** How a connection is ended. */
export interface DisconnectOptions {
  /** Whether the client comes back by itself, with a new token. @default false */
  readonly reconnect?: boolean;
  /** For the client's application, and for people. @default 'The server has ended the connection.' */
  readonly reason?: string;
}

/** A connection, as a server ends it or takes rights from it. */
export interface ServerConnection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /**
   * Tells the client (`bye`) and closes the connection. `$disconnect` follows, and runs the handlers.
   * Returns whether it was open.
   *
   * @throws DeliveryError - when API Gateway could not be reached, or refuses.
   * @throws UsageError - ERR_INVOCATION_OVER; ERR_SEND_IN_CONNECT, for the connection that is being opened.
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; outside of any event
   * ERR_ENDPOINT_UNKNOWN, ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN.
   */
  disconnect(options?: DisconnectOptions): Promise<boolean>;
  /**
   * Ends a subscription: no event that is published afterwards reaches the connection on that channel.
   * Runs `@OnUnsubscribe` and tells the client (`unsubscribed`), which does not subscribe again by
   * itself. Returns whether there was a subscription. Only the access rule keeps a client from
   * subscribing again.
   *
   * @param reason - For the client's application, and for people. @default 'The server has ended the
   * subscription.'
   *
   * @throws StoreError - when the store fails.
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_INVOCATION_OVER; ERR_SEND_IN_CONNECT, for the connection
   * that is being opened.
   * @throws ConfigurationError - outside of any event ERR_ENDPOINT_UNKNOWN, ERR_ENDPOINT_INVALID,
   * ERR_REGION_UNKNOWN.
   */
  unsubscribe(channel: string, reason?: string): Promise<boolean>;
}

/** What an app can do on its own account: `ctx.app`. */
export interface AppActions extends Publishing {
  /** A connection of this stage by its id. */
  connection(id: string): ServerConnection;
}
