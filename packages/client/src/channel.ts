import {
  type ChannelEventBody,
  type EventsOf,
  eventId,
  type MessageFrame,
  type Received,
} from '@gatecast/protocol';
import { frameId } from './base64url.js';
import type { Connection } from './connection.js';
import { clientError } from './errors.js';
import { Listeners, type Off } from './listeners.js';
import { encodeMessage } from './message-frame.js';
import type {
  MessageName,
  Reply,
  SendArguments,
  Sending,
  SendOptions,
  SubscribeData,
} from './messages.js';
import type { Outbox } from './outbox.js';
import type { SubscribeAnswer, Subscriptions } from './subscriptions.js';

/** An event as it arrived. */
export interface ChannelEvent<T = unknown, N extends string = string> {
  /** The event's name. */
  readonly event: N;
  readonly data: T;
  /** Equals the `id` of the `Sending` that led to it. */
  readonly id: string;
  /** When it was published. */
  readonly at: Date;
}

/** One channel, typed from its channel class. */
export interface ClientChannel<C> {
  /** The channel's name: `rooms/42`. */
  readonly name: string;

  /**
   * Subscribes, now and on each later connection until `unsubscribe()`. While the subscription
   * lasts, further calls get its latest answer.
   *
   * @returns The server's answer, whenever the connection comes about.
   * @throws ClientRequestError - with the server's code, or `ERR_TIMEOUT` (10 s), `ERR_CLOSED`,
   * `ERR_UNSUBSCRIBED`. After `ERR_TIMEOUT` the server may have the subscription all the same. An end
   * that comes later, when a new connection is refused what an earlier one had, is told to
   * `client.onRefused`.
   */
  subscribe(): Promise<SubscribeAnswer<SubscribeData<C>>>;

  /**
   * Ends the subscription, for everyone who uses this channel of this client. Does nothing when
   * there is none.
   *
   * @throws ClientRequestError - with the server's code, or `ERR_TIMEOUT` (10 s).
   */
  unsubscribe(): Promise<void>;

  /**
   * Sends a message to the channel's handler. Messages of a channel go one by one, in order; one
   * that has no answer when the connection ends is sent again on the next, with the same id. A
   * message waits for the connection, and for a subscription of its channel that is under way.
   *
   * @returns A promise of what the handler returns, with the id of the event it will publish.
   * @throws ClientRequestError - by the promise, with the server's code, or `ERR_TIMEOUT`,
   * `ERR_CLOSED`, `ERR_QUEUE_FULL` (100 without an answer), `ERR_MESSAGE_INVALID`,
   * `ERR_NOT_CONNECTED` (with `reply: false`).
   */
  send<N extends MessageName<C>>(message: N, ...rest: SendArguments<C, N>): Sending<Reply<C, N>>;

  /**
   * Calls back for each event of that name, subscribed by `subscribe()` or by the server. What the
   * handler throws goes to the runtime's `reportError`; the other handlers are called all the same.
   */
  on<N extends keyof EventsOf<C> & string>(
    event: N,
    handler: (
      data: Received<EventsOf<C>[N]>,
      event: ChannelEvent<Received<EventsOf<C>[N]>, N>,
    ) => unknown,
  ): Off;
}

/** The parts of the client that all its channels share. */
export interface ClientParts {
  readonly connection: Connection;
  readonly subscriptions: Subscriptions;
  readonly outbox: Outbox;
}

/** What is behind a {@link ClientChannel}; its types exist at compile time alone. */
export class Channel<C> implements ClientChannel<C> {
  readonly name: string;
  /** First part of the `action` of its messages. */
  as: string;
  readonly #parts: ClientParts;
  readonly #listeners = new Map<string, Listeners<[data: never, event: never]>>();

  constructor(name: string, as: string, parts: ClientParts) {
    this.name = name;
    this.as = as;
    this.#parts = parts;
  }

  subscribe(): Promise<SubscribeAnswer<SubscribeData<C>>> {
    const answer = this.#parts.subscriptions.subscribe(this.name);
    return answer as Promise<SubscribeAnswer<SubscribeData<C>>>;
  }

  unsubscribe(): Promise<void> {
    return this.#parts.subscriptions.unsubscribe(this.name);
  }

  send<N extends MessageName<C>>(message: N, ...rest: SendArguments<C, N>): Sending<Reply<C, N>> {
    const [data, options = {}] = rest as [data?: unknown, options?: SendOptions];
    const id = frameId();
    const request = { action: `${this.as}.${message}`, id, channel: this.name, data };
    const sent = this.#send(request, options) as Promise<Reply<C, N>>;
    return Object.assign(sent, { id: eventId(this.name, id, 0) });
  }

  on<N extends keyof EventsOf<C> & string>(
    event: N,
    handler: (
      data: Received<EventsOf<C>[N]>,
      event: ChannelEvent<Received<EventsOf<C>[N]>, N>,
    ) => unknown,
  ): Off {
    let listeners = this.#listeners.get(event);
    if (!listeners) {
      listeners = new Listeners();
      this.#listeners.set(event, listeners);
    }
    return listeners.add(handler);
  }

  dispatch({ event, data, id, at }: ChannelEventBody): void {
    const arrived: ChannelEvent = { event, data, id, at: new Date(at) };
    this.#listeners.get(event)?.emit(data as never, arrived as never);
  }

  // Being async, it turns whatever is wrong with the message into a rejection.
  async #send(request: MessageFrame, { timeoutMs, reply = true }: SendOptions): Promise<unknown> {
    const { id, channel } = request;
    const frame = encodeMessage(request);
    if (reply) return this.#parts.outbox.add({ id, channel, frame, timeoutMs });
    if (!this.#parts.connection.tell(frame)) throw clientError('ERR_NOT_CONNECTED');
    return undefined;
  }
}
