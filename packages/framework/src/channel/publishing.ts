import type { AnyChannelType, ChannelName, ChannelType } from '@gatecast/protocol';

/** What became of an event, counted in connections. */
export interface DeliveryCount {
  /** API Gateway took it. */
  readonly delivered: number;
  /** Answered 410: ended, or still being opened. Those that have ended are removed from the store. */
  readonly gone: number;
  /** Could not be reached in the time there was. */
  readonly failed: number;
  /** Left to workers; always 0 so far. */
  readonly queued: number;
}

/** How to publish. */
export interface PublishOptions {
  /** Names the event; the same id on the same channel is the same event. 1 to 64 characters. @default a random one */
  readonly id?: string;
  /** Tried once for each subscriber and never kept: for what is worthless a second later. @default false */
  readonly ephemeral?: boolean;
  /** Leaves out the connection whose message is being handled. Only inside a handler. */
  readonly except?: 'sender';
}

/** What became of a publish. */
export interface PublishResult {
  /** The event's id. */
  readonly id: string;
  /** Its place in the channel's log; absent on a channel without history. */
  readonly position?: string;
  /** Whether the log had an event of that id already; `false` on a channel without history. */
  readonly duplicate: boolean;
  /** How many subscribers it reached, and how many it did not. */
  readonly delivery: DeliveryCount;
}

/** A channel, as a server publishes on it. */
export interface ServerChannel<E extends object = Record<string, unknown>> {
  /** The channel's name: `rooms/42`. */
  readonly name: string;
  /**
   * Publishes an event and delivers it to every subscriber before it returns. A post that meets
   * 429, 5xx or a time-out is tried again, for 5 s in all and at most until the invocation ends.
   * One that fails is counted and told to the plugins' `onError`; it does not reject.
   *
   * @throws UsageError - ERR_PUBLISH_CHANNEL, ERR_PUBLISH_EVENT, ERR_PUBLISH_ID,
   * ERR_PUBLISH_SENDER; ERR_PUBLISH_DATA, for data that JSON cannot hold; ERR_EVENT_TOO_LARGE, for a
   * frame over 32,768 bytes; ERR_SEND_IN_CONNECT, in a connect handler.
   * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, outside of any event.
   * @throws StoreError - when the subscribers cannot be read.
   */
  publish<N extends keyof E & string>(
    event: N,
    data: E[N],
    options?: PublishOptions,
  ): Promise<PublishResult>;
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
   * await app.channel<Room>('rooms/42').publish('message', { text: 'hello' });
   * await app.channel(channelName('users/:userId', { userId })).publish('mail', { unread: 3 });
   * ```
   */
  channel<C extends AnyChannelType = ChannelType>(
    name: ChannelName<C['pattern']>,
  ): ServerChannel<C['events']>;
}
