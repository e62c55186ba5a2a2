import type { EventsOf, Received, ResetReason } from '@gatecast/protocol';
import type { ChannelEvent, ChannelReset, SubscriptionEnd } from './channel-events.js';
import type { Off } from './listeners.js';
import type { MissedReason } from './log-reader.js';
import type {
  MessageName,
  Messages,
  Payload,
  Reply,
  SendArguments,
  Sending,
  SendOptions,
  SubscribeData,
} from './messages.js';

/** What the server says to a subscription. @group Channels */
export type SubscribeAnswer<D = unknown> = {
  /** The channel's name. */
  readonly channel: string;
  /** What the channel's `@OnSubscribe` handler returned. */
  readonly data: D;
} & (
  | {
      /**
       * `live`: events from now on, and with `rewind` the latest before. `resumed`: all events after the
       * position where the client stopped, and from now on.
       */
      readonly result: 'live' | 'resumed';
    }
  | {
      /** Events from now on. Some may be missing between the client's position and now. */
      readonly result: 'reset';
      readonly reason: MissedReason;
    }
);

/** How a channel is subscribed to. @group Channels */
export interface SubscribeOptions {
  /**
   * How many of the latest events to hand over first, if there is no position to go on from, or it is of no
   * use. As many as fit into one answer of 32 KB come, which up to 50 channels share that are subscribed to at
   * once; a channel to which the events of others leave no room is asked for again. `history()` has the earlier
   * ones.
   * @default 0
   */
  readonly rewind?: number | undefined;
}

/**
 * Which events of a channel's history to read. Give `after` or `before`; without both, the latest are read.
 *
 * @group History
 */
export interface HistoryRange {
  /** Reads the events after this position, oldest first. */
  readonly after?: string | undefined;
  /** Reads the events that end before this position. */
  readonly before?: string | undefined;
  /** Most events. With 0, only the position of the last event is read. @default 100 */
  readonly limit?: number | undefined;
}

/** A part of a channel's history. @group History */
export interface HistoryPage<E = ChannelEvent> {
  /** In order, and without a hole between them, but for events that only newer clients know. */
  readonly events: readonly E[];
  /** Whether more follow in the direction of the read. A page ends at 32 KB, too. */
  readonly more: boolean;
  /** The position of the channel's last event. */
  readonly position: string;
  /** Why the given position is of no use; then there are no events. As in {@link ChannelReset}. */
  readonly reset?: ResetReason;
}

/** Any event of a channel, told apart by `event`. @group Channels */
export type AnyChannelEvent<C> = {
  [N in keyof EventsOf<C> & string]: ChannelEvent<Received<EventsOf<C>[N]>, N>;
}[keyof EventsOf<C> & string];

/** One channel, typed from its channel class. @group Start here */
export interface ClientChannel<C> {
  /** The channel's name: `rooms/42`. */
  readonly name: string;

  /**
   * The place in the channel's history up to which the app has all events: the listeners of the last one
   * have returned. `undefined` without history, and when the channel is not subscribed to.
   */
  readonly position: string | undefined;

  /**
   * Subscribes, now and on each later connection, until `unsubscribe()` has been called as often as
   * this: so two parts of a page can use one channel. Further calls get the latest answer, and their
   * `rewind` does not count.
   *
   * On a channel with history, a later connection goes on from {@link position}: what was published
   * meanwhile comes in order, each event once. `onReset` tells where that is not possible.
   *
   * It waits for a connection as long as it takes; `client.onRefused` tells when attempts fail. A
   * refusal whose `retryAfterMs` is at most 30 s is tried again, 3 times. A server that has
   * failed (`ERR_INTERNAL`, `ERR_TIMEOUT`, `ERR_OUTCOME_UNKNOWN`) and names such a time is asked for 60 s.
   * An error of API Gateway itself counts as one that names a time, but for `ERR_FORBIDDEN`.
   *
   * @returns The server's answer. The events that came with it have been handed over.
   * @throws TypeError - for wrong options.
   * @throws ClientRequestError - with the server's code, or `ERR_TIMEOUT` (10 s after the server was
   * asked), `ERR_CLOSED`, `ERR_UNSUBSCRIBED`. After `ERR_TIMEOUT` the server may have the subscription
   * for a moment: the client then ends it. Once it was accepted, its end is told to `onEnd`.
   */
  subscribe(options?: SubscribeOptions): Promise<SubscribeAnswer<SubscribeData<C>>>;

  /**
   * Takes one `subscribe()` back; with the last one the subscription ends, and its position is
   * forgotten. Does nothing when there is
   * none. After `onEnd`, or a `subscribe()` that was rejected, there is nothing to take back: calling it
   * then may take back the `subscribe()` of another part of the page.
   *
   * @throws ClientRequestError - with the server's code, or `ERR_TIMEOUT` (10 s). The client goes on
   * asking the server to end it.
   */
  unsubscribe(): Promise<void>;

  /**
   * Sends a message whose handler has `@OnMessage({ reply: false })`. It is written at once, ahead of
   * messages that wait, and never again.
   *
   * @returns A promise that it is written.
   * @throws ClientRequestError - by the promise: `ERR_NOT_CONNECTED`, `ERR_CLOSED`, `ERR_MESSAGE_INVALID`.
   */
  send<N extends keyof Messages<C> & MessageName<C>>(
    message: N,
    data: Payload<C, N>,
    options: SendOptions & { readonly reply: false },
  ): Sending<undefined>;

  /**
   * Sends a message to the channel's handler. Messages of a channel go one by one, in order: each waits
   * for the answer to the one before it, for the connection, and for a subscription of its channel that is
   * under way.
   *
   * A message without an answer is sent again with the same id: on the next connection, after 29 s, when
   * the server does not know the outcome, and up to 5 times after an error of API Gateway itself. Its handler
   * may run more than once, and has `ctx.idempotencyKey` for that; on a channel with history its events are
   * published once.
   *
   * @returns A promise of what the handler returns, with the id of the event it will publish.
   * @throws ClientRequestError - by the promise, with the server's code, or:
   * `ERR_OUTCOME_UNKNOWN` when no answer came for as long as the server would know the message again (5 min
   * after it was first written), or API Gateway failed 6 times (`cause`); if it refused all six (429),
   * `ERR_RATE_LIMIT`: the server has not seen it;
   * `ERR_NOT_SENT` when it was not written within `timeoutMs`, so that the server has not seen it;
   * `ERR_TIMEOUT` when it was, and no answer came within `timeoutMs` from then on;
   * `ERR_CLOSED`, `ERR_QUEUE_FULL` (100 without an answer), `ERR_MESSAGE_INVALID`.
   * @throws TypeError - by the promise, for wrong options.
   */
  send<N extends keyof Messages<C> & MessageName<C>>(
    message: N,
    ...rest: SendArguments<C, N>
  ): Sending<Reply<C, N>>;

  /**
   * Reads a part of the channel's history, such as the events before the first one on the page. It hands
   * nothing to `on` and moves no position. It waits 30 s for a connection, and again for the answer: within that
   * time, an error with `retryAfterMs` is tried again.
   *
   * @throws TypeError - by the promise, for wrong options.
   * @throws ClientRequestError - by the promise, with the server's code, or `ERR_NOT_SENT`, `ERR_TIMEOUT`,
   * `ERR_CLOSED`, `ERR_QUEUE_FULL`, `ERR_MESSAGE_INVALID`.
   */
  history(range?: HistoryRange): Promise<HistoryPage<AnyChannelEvent<C>>>;

  /**
   * Calls back for each event of that name, subscribed by `subscribe()` or by the server. On a channel
   * with history that `subscribe()` was called for, events come in the order of the history, each once, and
   * the next one when all handlers of the one before have returned (an async one returns at its first
   * `await`). All others come as they arrive; one whose id is among the channel's last 256 is dropped.
   * What the handler throws goes to the runtime's `reportError`, and is an uncaught exception where there
   * is none, as in Node; the other handlers are called all the same. Listen before you subscribe.
   *
   * Only TypeScript checks the name: in plain JavaScript nothing tells of one that is never published. The page
   * of `gatecast dev` shows every event that passes.
   */
  on<N extends keyof EventsOf<C> & string>(
    event: N,
    handler: (
      data: Received<EventsOf<C>[N]>,
      event: ChannelEvent<Received<EventsOf<C>[N]>, N>,
    ) => unknown,
  ): Off;

  /**
   * Calls back when the server has ended the subscription: it removed this connection from the channel,
   * or refused to a new connection what an earlier one had. The client does not ask for it again;
   * `subscribe()` does.
   */
  onEnd(listener: (end: SubscriptionEnd) => unknown): Off;

  /**
   * Calls back when events may be missing between the last one that was handed over and the next: the channel
   * begins anew. It is called before the events that follow. Those of `rewind` may include some that you have:
   * clear the page, or drop those whose `id` it has. Without history, or where the access rule refuses it, it
   * is called each time the connection was lost and the channel is subscribed to again: load what may have
   * changed.
   */
  onReset(listener: (reset: ChannelReset) => unknown): Off;
}
