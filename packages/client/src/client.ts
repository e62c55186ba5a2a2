import type { NameOf, ServerFrame } from '@gatecast/protocol';
import type { AppChannel, AppChannelName } from './app-channels.js';
import { Channel, type ClientChannel, type ClientParts } from './channel.js';
import { Connection, type ConnectionState, type StateReason } from './connection.js';
import { type ClientRequestError, clientError } from './errors.js';
import { Listeners, type Off } from './listeners.js';
import type { UntypedChannel } from './messages.js';
import { Outbox } from './outbox.js';
import { Subscriptions } from './subscriptions.js';
import { type WebSocketConstructor, webSocketClass, webSocketUrl } from './web-socket.js';

/** What {@link createClient} takes. */
export interface ClientOptions {
  /** URL of the WebSocket API, stage included: `wss://abc.execute-api.eu-west-1.amazonaws.com/prod`. */
  readonly url: string | URL;
  /**
   * Gets the token that the app's authorizer wants. Asked on every attempt to connect, so that it
   * may be short-lived; nothing, or `''`, is no token. It travels as a sub-protocol, never in the URL.
   * @default none
   */
  readonly token?: () => string | undefined | Promise<string | undefined>;
  /**
   * Class to make WebSockets with. Node 20 has none of its own: take that of the package `ws`.
   * @default the runtime's
   */
  readonly WebSocket?: WebSocketConstructor;
}

/** How a channel is opened. */
export interface OpenOptions {
  /**
   * The channel class's name on the wire: the `name` option of its `@Channel`.
   * @default the first segment of the channel's name
   */
  readonly as?: string;
}

/** Something that was refused, and that the app should know of. */
export interface Refusal {
  /** Why; for the connection itself `ERR_HANDSHAKE` or `ERR_TOKEN`. */
  readonly error: ClientRequestError;
  /** The channel whose subscription ended; absent when it is the connection itself. */
  readonly channel?: string;
}

/** A client whose channels are typed one by one. */
export interface Client {
  /** What the connection is doing; `connecting` from the start. */
  readonly state: ConnectionState;

  /** Calls back for each change of state; with a reason for `waiting` and `closed`. */
  onState(listener: (state: ConnectionState, reason?: StateReason) => unknown): Off;

  /**
   * Calls back when the app should look at what it asks for:
   * - `ERR_HANDSHAKE`, for the third failed attempt in a row and each one after it. The network may be
   *   down, the URL wrong, the token refused, the origin not allowed: a browser is not told.
   * - `ERR_TOKEN`, when the option `token` throws.
   * - with `channel`, when a new connection is refused a subscription that an earlier one had. The
   *   subscription has ended then. (`ERR_INTERNAL`, `ERR_RATE_LIMIT` and `ERR_TIMEOUT` are retried.)
   *
   * The client goes on trying to connect until it is closed.
   */
  onRefused(listener: (refusal: Refusal) => unknown): Off;

  /**
   * Ends everything: what is pending is rejected with `ERR_CLOSED`. A WebSocket whose server does not
   * answer may stay for a while.
   */
  close(): void;

  /**
   * A channel by its name; the same object each time. Build names with `channelName`: an illegal one
   * is refused by the server (`ERR_CHANNEL_NAME`).
   */
  channel<C = UntypedChannel>(name: NameOf<C>, options?: OpenOptions): ClientChannel<C>;
}

/** A client whose channels are typed from an app. */
export interface AppClient<A> extends Omit<Client, 'channel'> {
  /**
   * A channel by its name; the same object each time. Build names with `channelName`: an illegal one
   * is refused by the server (`ERR_CHANNEL_NAME`).
   */
  channel<const N extends AppChannelName<A>>(
    name: N,
    options?: OpenOptions,
  ): ClientChannel<AppChannel<A, N>>;
}

/**
 * Opens one connection to an app and keeps it open until it is closed. API Gateway ends each
 * WebSocket after 2 hours at most (Amazon API Gateway quotas): the client opens another one and
 * subscribes again.
 *
 * @example
 * ```ts
 * const client = createClient({ url: 'wss://…/prod', token: () => fetchToken() });
 * const room = client.channel<RoomChannel>('rooms/42');
 * room.on('message', (message) => show(message.text));
 * await room.subscribe();
 * await room.send('post', { text: 'hello' });
 * ```
 *
 * With the app's type, `createClient<typeof app>(…)`, each channel's class follows from its name.
 *
 * @throws TypeError - for a URL that is none of a WebSocket, and where the runtime has no
 * WebSocket.
 */
export function createClient(options: ClientOptions): Client;
export function createClient<A>(options: ClientOptions): AppClient<A>;
export function createClient(options: ClientOptions): Omit<Client, 'channel'> {
  return new ConnectedClient(options);
}

class ConnectedClient implements Client {
  readonly #channels = new Map<string, Channel<never>>();
  readonly #onState = new Listeners<[state: ConnectionState, reason?: StateReason]>();
  readonly #onRefused = new Listeners<[refusal: Refusal]>();
  readonly #parts: ClientParts;

  constructor({ url, token, WebSocket }: ClientOptions) {
    const connection = new Connection({
      url: webSocketUrl(url),
      token,
      WebSocket: webSocketClass(WebSocket),
      onFrame: (frame) => this.#receive(frame),
      onRefused: (error) => this.#onRefused.emit({ error }),
      onState: (state, reason) => this.#enter(state, reason),
    });
    const subscriptions = new Subscriptions(connection, {
      onSettled: () => outbox.flush(),
      onRefused: (error, channel) => this.#onRefused.emit({ error, channel }),
    });
    const outbox = new Outbox(connection, subscriptions);
    this.#parts = { connection, subscriptions, outbox };
  }

  get state(): ConnectionState {
    return this.#parts.connection.state;
  }

  onState(listener: (state: ConnectionState, reason?: StateReason) => unknown): Off {
    return this.#onState.add(listener);
  }

  onRefused(listener: (refusal: Refusal) => unknown): Off {
    return this.#onRefused.add(listener);
  }

  channel<C = UntypedChannel>(name: NameOf<C>, { as }: OpenOptions = {}): ClientChannel<C> {
    const key: string = name;
    let channel = this.#channels.get(key);
    if (!channel) {
      channel = new Channel(key, as ?? (key.split('/', 1)[0] as string), this.#parts);
      this.#channels.set(key, channel);
    }
    if (as !== undefined) channel.as = as;
    return channel as ClientChannel<never> as ClientChannel<C>;
  }

  close(): void {
    this.#parts.connection.close('ERR_CLOSED');
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'event':
        this.#channels.get(frame.channel)?.dispatch(frame);
        return;
      case 'events':
        for (const event of frame.events) this.#channels.get(frame.channel)?.dispatch(event);
        return;
      case 'error':
      case 'reply':
        if (frame.type === 'error' && frame.error.code === 'ERR_CONNECTION_UNKNOWN') {
          // Whatever was asked is asked again on the next connection.
          this.#parts.connection.restart(frame.error.code);
          return;
        }
        this.#parts.subscriptions.settle(frame);
        this.#parts.outbox.settle(frame);
        return;
      case 'unsubscribed':
      case 'bye':
      case 'pong':
    }
  }

  #enter(state: ConnectionState, reason?: StateReason): void {
    const { subscriptions, outbox } = this.#parts;
    if (state === 'connected') {
      subscriptions.flush();
      outbox.flush();
    }
    if (state === 'waiting') {
      subscriptions.lose();
      outbox.lose();
    }
    if (state === 'closed') {
      const error = clientError('ERR_CLOSED');
      subscriptions.close(error);
      outbox.close(error);
    }
    this.#onState.emit(state, reason);
  }
}
