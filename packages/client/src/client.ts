import type { NameOf } from '@gatecast/protocol';
import type { AppChannel, AppChannelName } from './app-channels.js';
import type { ClientChannel } from './channel.js';
import type { ClientRequestError } from './errors.js';
import type { Off } from './listeners.js';
import type { UntypedChannel } from './messages.js';
import type { PositionStorage } from './positions.js';
import type { ConnectionState, StateReason, TokenSource } from './supervisor.js';
import type { WebSocketConstructor } from './web-socket.js';

/** What `createClient` takes. @group Start here */
export interface ClientOptions {
  /** URL of the WebSocket API, stage included: `wss://abc.execute-api.eu-west-1.amazonaws.com/prod`. */
  readonly url: string | URL;
  /**
   * Gets the token that the app's authorizer wants. Asked on every attempt to connect, so that it
   * may be short-lived. `undefined` or `''` stands for none. It travels as a sub-protocol, unless
   * `handshake` puts it into the URL.
   * @default none
   */
  readonly token?: TokenSource;
  /**
   * How the version of the protocol and the token travel. `query`: as `protocol` and `token` in the URL, and
   * no sub-protocol is offered. An API whose `$connect` runs no function needs it, because nothing there
   * accepts a sub-protocol and browsers then fail the connection. A URL with a token may end up in logs.
   * @default 'subprotocol'
   */
  readonly handshake?: 'subprotocol' | 'query';
  /**
   * Class to make WebSockets with. Node 20 has none of its own: take that of the package `ws`.
   * @default the runtime's
   */
  readonly WebSocket?: WebSocketConstructor;
  /**
   * Silence after which a ping asks whether the connection still works, in milliseconds. A ping and its
   * answer are two billed messages.
   * @default what the server names, else 240_000; API Gateway ends a connection after 10 idle minutes
   */
  readonly keepAliveMs?: number;
  /**
   * Where the positions of the channels are kept across page loads: `() => sessionStorage` for each tab,
   * `() => localStorage` for all of them together. A page that subscribes then gets what was published since
   * its last life, instead of `rewind`. Only positions are written, under `gatecast:<url>:<channel>`. What
   * the function or the storage throws is ignored.
   * @default none
   */
  readonly storage?: () => PositionStorage;
}

/** How a channel is opened. @group Connection */
export interface OpenOptions {
  /**
   * The channel class's name on the wire: the `name` option of its `@Channel`.
   * @default the first segment of the channel's name
   */
  readonly as?: string;
}

/** Something that was refused, and that the app should know of. @group Connection */
export interface Refusal {
  /** Why. */
  readonly error: ClientRequestError;
  /** The channel whose subscription was refused; absent when it is the connection itself. */
  readonly channel?: string;
  /** How long until the client tries again, in milliseconds; absent when the subscription has ended. */
  readonly retryInMs?: number;
}

/** A client whose channels are typed one by one. @group Start here */
export interface Client {
  /** What the connection is doing; `connecting` at the start. */
  readonly state: ConnectionState;

  /** Calls back for each change of state; with a reason for `waiting` and `closed`. */
  onState(listener: (state: ConnectionState, reason?: StateReason) => unknown): Off;

  /**
   * Calls back when something is refused that the app should know of. With `retryInMs` the client tries
   * again; without, it is over.
   *
   * | what | when | `error.code` |
   * | --- | --- | --- |
   * | connecting | the third attempt in a row has failed, and each one after it | `ERR_HANDSHAKE`: the network may be down, the URL wrong, the token refused, the origin not allowed; a browser is not told which. `ERR_CONNECTION_UNKNOWN`: the server forgets each connection, as with a store in memory on AWS. `ERR_CONNECTION_LOST`, `ERR_CONNECTION_SILENT`: each ends before it is of use. Or the code of the server's `bye` frame |
   * | the token | the option `token` throws or returns something else than a string, and no connection works | `ERR_TOKEN` |
   * | a subscription (`channel`), for now | the third time in a row, or at once when the server asks for more than 30 s | `ERR_INTERNAL`, `ERR_OUTCOME_UNKNOWN`, `ERR_RATE_LIMIT`, `ERR_TIMEOUT`; of a first `subscribe()` any code with `retryAfterMs` |
   * | a subscription (`channel`), for good | the server ended it, or refused to a new connection what an earlier one had; the channel's `onEnd` is told, too | the server's |
   * | the client, for good | the server ended the connection and asked not to come back; the client is `closed` | the server's |
   *
   * Where nobody listens, each of these is written to the console once.
   */
  onRefused(listener: (refusal: Refusal) => unknown): Off;

  /**
   * Ends everything: what is pending is rejected with `ERR_CLOSED`; `unsubscribe()` resolves. If the server does not answer the
   * close, a WebSocket of `ws` gives up after a second; one of Node's own keeps the process alive: call
   * `process.exit()`.
   */
  close(): void;

  /**
   * A channel by its name; the same object each time, as long as it has a subscription or a listener.
   * Build names with `channelName`: an illegal one is refused by the server (`ERR_CHANNEL_NAME`).
   *
   * @throws TypeError - for wrong options, and for another `as` than the channel was opened with.
   */
  channel<C = UntypedChannel>(name: NameOf<C>, options?: OpenOptions): ClientChannel<C>;
}

/** A client whose channels are typed from an app. @group Channels */
export interface AppClient<A> extends Omit<Client, 'channel'> {
  /** As {@link Client.channel}, with the channel's class found by the name. */
  channel<const N extends AppChannelName<A>>(
    name: N,
    options?: OpenOptions,
  ): ClientChannel<AppChannel<A, N>>;
}
