import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '@gatecast/protocol';
import { type App, type AppSettings, buildApp } from '../app/create-app.js';
import type { AcceptChannel } from '../app/types.js';
import type { AnyClass } from '../channel/any-class.js';
import type { Resolve } from '../channel/read-channel.js';
import {
  checkOptions,
  type OptionType,
  type OptionTypes,
  option,
} from '../errors/check-options.js';
import { tracedFrom } from '../errors/gatecast-error.js';
import { memoryStore } from '../store/memory.js';
import type { Store } from '../store/store.js';
import type { PolicyResponse, ProxyResponse } from '../wire/lambda-events.js';
import { TestClock } from './clock.js';
import {
  type AuthorizerValues,
  makeAuthorizerEvent,
  makeConnectEvent,
  makeConnectionId,
  makeDisconnectEvent,
  makeMessageEvent,
  type NamesAndValues,
} from './events.js';
import { parseFrame, TestConnection, type TestLink } from './test-connection.js';
import { TestGateway } from './test-gateway.js';

type Channels = readonly (AnyClass | object)[];

// API and stage in the events of a test app.
const ADDRESS = { apiId: 'abcde12345', stage: 'dev', region: process.env['AWS_REGION'] ?? '' };

/**
 * Options of {@link createTestApp}: those of `createApp`, with a store by default.
 *
 * @group Start here
 */
export interface TestAppSettings extends Omit<AppSettings, 'store' | 'gateway'> {
  /** @default memoryStore(), with the clock of the test app */
  readonly store?: Store;
  /** Makes the instances of the classes. @default `new` */
  readonly resolve?: Resolve;
  /**
   * If false, the API has no authorizer, so that the app's authorizer runs in `$connect`. @default true
   */
  readonly isAuthorizerDeployed?: boolean;
}

/** Options of {@link TestApp.connect}. @group Start here */
export interface ConnectOptions {
  /** Sent in a sub-protocol, like the Gatecast client does. @default none */
  readonly token?: string;
  /** Headers of the handshake, as the client sends them. @default none */
  readonly headers?: NamesAndValues;
  /** The query string, decoded. @default none */
  readonly query?: NamesAndValues;
}

const anyText: OptionType = { takes: 'a string', fits: (value) => typeof value === 'string' };

const connectTypes: OptionTypes<ConnectOptions> = {
  token: anyText,
  headers: option.object,
  query: option.object,
};

/** A handshake that was refused. @group Start here */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  /** The status of the HTTP response. */
  readonly status: number;

  /** @internal */
  constructor(status: number) {
    super(`The handshake was refused with status ${status}.`);
    this.status = status;
  }
}

/**
 * An app in this process, without sockets. It imitates API Gateway as far as handlers can tell.
 *
 * @group Start here
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as for `App`.
export class TestApp<L extends readonly unknown[] = any> {
  /** The app itself: `app.handler`, `app.channel(name)`. */
  readonly app: App<L>;
  /** The given store, or the memory store. */
  readonly store: Store;
  /** The clock of the app and its store: `clock.advance(60_000)`. */
  readonly clock: TestClock;
  /** The `@connections` API, with its faults: `gateway.faults = () => 'throttled'`. */
  readonly gateway: TestGateway;
  readonly #hasAuthorizer: boolean;

  /** @internal */
  constructor(
    app: App<L>,
    parts: Pick<TestApp, 'store' | 'clock' | 'gateway'>,
    isDeployed: boolean,
  ) {
    this.app = app;
    this.store = parts.store;
    this.clock = parts.clock;
    this.gateway = parts.gateway;
    this.#hasAuthorizer = isDeployed && app.manifest.authorizer;
  }

  /**
   * Opens a connection, through the authorizer and `$connect`.
   *
   * @throws HandshakeError - if it is refused.
   * @throws ConfigurationError - ERR_OPTION_UNKNOWN or ERR_OPTION_VALUE for a wrong option.
   */
  async connect(given: ConnectOptions = {}): Promise<TestConnection> {
    checkOptions('connect()', given, connectTypes);
    const { token, headers = {}, query = {} } = given;
    const id = makeConnectionId();
    const connectedAt = this.clock.now();
    const encoded = Buffer.from(token ?? '').toString('base64url');
    const offered = {
      'Sec-WebSocket-Protocol': `${SUBPROTOCOL}, ${TOKEN_SUBPROTOCOL_PREFIX}${encoded}`,
    };
    const options = {
      connectionId: id,
      connectedAt,
      now: connectedAt,
      headers: { ...(token !== undefined && offered), ...headers },
      query,
    };
    const authorizer = this.#hasAuthorizer
      ? authorize(await outcomeOf(this.app.handler(makeAuthorizerEvent(options))))
      : undefined;
    const event = makeConnectEvent({ ...options, authorizer });
    const response = (await this.app.handler(event)) as ProxyResponse;
    if (response.statusCode >= 300) throw new HandshakeError(response.statusCode);
    const connection = new TestConnection(
      { id, connectedAt, headers: response.headers ?? {}, authorizer },
      this.#link,
    );
    this.gateway.peers.set(id, {
      connectedAt,
      receive: (frame) => connection.received.push(parseFrame(frame)),
      close: () => this.#end(connection, 1000, ''),
    });
    return connection;
  }

  readonly #link: TestLink = {
    send: async (connection, text) => {
      if (!connection.isOpen) throw new Error(`The connection ${connection.id} is closed.`);
      const route = this.#route(text);
      if (route?.response !== undefined) return [route.response];
      const event = makeMessageEvent({
        ...this.#eventOptions(connection),
        routeKey: route?.routeKey,
        body: text,
      });
      const response = (await this.app.handler(event)) as ProxyResponse;
      return (route?.twoWay ?? true) && connection.isOpen ? [response.body ?? ''] : [];
    },
    disconnect: (connection, code, reason) => this.#end(connection, code, reason),
  };

  #eventOptions({ id, connectedAt, authorizer }: TestConnection): object {
    return { connectionId: id, connectedAt, now: this.clock.now(), authorizer };
  }

  #route(text: string): App['manifest']['routes'][number] | undefined {
    const { routes } = this.app.manifest;
    const action = readAction(text);
    return routes.find(({ routeKey }) => routeKey === action && !routeKey.startsWith('$'));
  }

  // `$disconnect` follows no matter which side closes the connection.
  async #end(connection: TestConnection, code: number, reason: string): Promise<void> {
    connection.isOpen = false;
    if (!this.gateway.peers.delete(connection.id)) return;
    await this.app.handler(
      makeDisconnectEvent({ ...this.#eventOptions(connection), code, reason }),
    );
  }
}

/**
 * Makes an app in this process, without sockets, with its own clock.
 *
 * @example
 * ```ts
 * const app = createTestApp({ channels: [RoomChannel] });
 * const alice = await app.connect();
 * await alice.subscribe('rooms/42');
 * await alice.send('rooms.post', 'rooms/42', { text: 'hello' });
 * alice.events; // [{ type: 'event', event: 'message', … }]
 * ```
 *
 * @throws ConfigurationError - like `createApp`.
 * @group Start here
 */
export function createTestApp<const L extends Channels>(
  options: TestAppSettings & { readonly channels: L; readonly resolve: Resolve },
): TestApp<L>;
export function createTestApp<const L extends Channels>(
  options: TestAppSettings & {
    readonly channels: L & { readonly [I in keyof L]: AcceptChannel<L[I]> };
  },
): TestApp<L>;
export function createTestApp<const L extends Channels>(
  options: TestAppSettings & { readonly channels: L },
): TestApp<L> {
  const { isAuthorizerDeployed = true, store: given, ...rest } = options;
  const clock = new TestClock();
  const gateway = new TestGateway();
  const store = given ?? memoryStore({ now: clock.now });
  const surroundings = { now: clock.now, address: ADDRESS };
  const app: App<L> = tracedFrom(createTestApp, () =>
    buildApp({ ...rest, store, gateway }, surroundings),
  );
  return new TestApp<L>(app, { store, clock, gateway }, isAuthorizerDeployed);
}

function readAction(text: string): unknown {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof frame === 'object' && frame !== null && 'action' in frame
      ? frame.action
      : undefined;
  } catch {
    return undefined;
  }
}

async function outcomeOf<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

// Rows 4.4, 4.5 and 4.7.
function authorize(result: { value: unknown } | { error: unknown }): AuthorizerValues {
  if ('error' in result) {
    throw new HandshakeError((result.error as Error).message === 'Unauthorized' ? 401 : 500);
  }
  const { principalId, policyDocument, context = {} } = result.value as PolicyResponse;
  if (policyDocument.Statement[0]?.Effect !== 'Allow') throw new HandshakeError(403);
  return { principalId, ...context };
}
