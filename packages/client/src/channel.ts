import type { EventsOf, Received } from '@gatecast/protocol';
import type { ChannelEvent, SubscriptionEnd } from './channel-events.js';
import type { Off } from './listeners.js';
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
import type { SubscribeAnswer } from './subscription.js';

/** One channel, typed from its channel class. */
export interface ClientChannel<C> {
  /** The channel's name: `rooms/42`. */
  readonly name: string;

  /**
   * Subscribes, now and on each later connection, until `unsubscribe()` has been called as often as
   * this: so two parts of a page can use one channel. Further calls get the latest answer.
   *
   * It waits for a connection as long as it takes; `client.onRefused` tells when attempts fail. A
   * refusal whose `retryAfterMs` is at most 30 s is tried again, 3 times.
   *
   * @returns The server's answer.
   * @throws ClientRequestError - with the server's code, or `ERR_TIMEOUT` (10 s after the server was
   * asked), `ERR_CLOSED`, `ERR_UNSUBSCRIBED`. After `ERR_TIMEOUT` the server may have the subscription
   * for a moment: the client then ends it. Once it was accepted, its end is told to `onEnd`.
   */
  subscribe(): Promise<SubscribeAnswer<SubscribeData<C>>>;

  /**
   * Takes one `subscribe()` back; with the last one the subscription ends. Does nothing when there is
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
   * A message without an answer when the connection ends is sent again on the next, with the same id: its
   * handler may run more than once, and has `ctx.idempotencyKey` for that.
   *
   * @returns A promise of what the handler returns, with the id of the event it will publish.
   * @throws ClientRequestError - by the promise, with the server's code, or:
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
   * Calls back for each event of that name, subscribed by `subscribe()` or by the server. An event
   * whose id is among the channel's last 256 is dropped, so that each is handed over once; one that
   * is published while there is no connection does not come. What the handler throws goes to the
   * runtime's `reportError`, and is an uncaught exception where there is none, as in Node; the other
   * handlers are called all the same.
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
}
