import type { App } from '../../../packages/framework/src/app/create-app.js';
import type { Gateway, PostOutcome } from '../../../packages/framework/src/deliver/gateway.js';
import { makeError } from '../../../packages/framework/src/errors/gatecast-error.js';
import {
  makeConnectEvent,
  makeDisconnectEvent,
  makeMessageEvent,
} from '../../../packages/framework/src/testing/events.js';
import type { ProxyResponse } from '../../../packages/framework/src/wire/lambda-events.js';
import { Fleet } from '../run/fleet.js';
import type { Scene } from '../run/scene.js';
import type { Environment } from '../world/environment.js';

/** How long API Gateway waits for a function (Amazon API Gateway quotas). */
const INTEGRATION_TIMEOUT_MS = 29_000;
/** How long a connection lasts at most. */
const CONNECTION_LIFETIME_MS = 7_200_000;
const LATEST_PUSH_MS = 20_000;
const LATEST_CUT_MS = 30_000;
const LONGEST_FAILURE_MS = 5_000;

/** Whoever is at the other end of a connection. */
export interface Peer {
  readonly name: string;
  /** The handshake has succeeded. */
  opened(connection: Connection): void;
  /** The handshake has failed, or the connection has ended. */
  closed(connection: Connection): void;
  /** A text frame has arrived. */
  receive(frame: string): void;
}

/** One WebSocket. */
export interface Connection {
  readonly id: string;
  readonly peer: Peer;
  readonly openedAt: number;
  isOpen: boolean;
  closedAt: number;
}

/** What of API Gateway's work the checks want to know. */
export interface GatewayWatch {
  /** The function has answered a frame of a connection. */
  answered(connection: Connection, request: string, response: string): void;
  /** A frame could not be handled, which may have ended subscriptions. */
  disturbed(connection: Connection): void;
  /** An environment has tried to post a frame to a connection. */
  posted(connectionId: string, frame: string): void;
}

/** An event for the function. */
interface Invoked {
  readonly what: string;
  readonly make: (event: {
    readonly connectionId: string;
    readonly connectedAt: number;
    readonly now: number;
    readonly requestId: string;
  }) => object;
  /** Gets the response, or nothing when the time is over. */
  readonly answer: (response: ProxyResponse | undefined) => void;
}

export interface ApiGatewayOptions {
  readonly scene: Scene;
  readonly load: (environment: Environment, gateway: Gateway) => App;
  readonly watch: GatewayWatch;
}

/** The WebSocket API of a run, with the function behind it. */
export class ApiGateway {
  readonly #options: ApiGatewayOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #fleet: Fleet<App>;
  /** Until when the posts to a connection fail. */
  readonly #failsUntil = new Map<string, number>();
  #opened = 0;
  #requests = 0;
  #posts = 0;

  constructor(options: ApiGatewayOptions) {
    this.#options = options;
    const { world, plan } = options.scene;
    this.#fleet = new Fleet({
      world,
      name: 'e',
      size: plan.environments,
      load: (environment) => options.load(environment, this.#gatewayOf(environment)),
    });
  }

  /** The environments of the function, for calls that are not events of the API. */
  get fleet(): Fleet<App> {
    return this.#fleet;
  }

  connect(peer: Peer): void {
    const { world } = this.#options.scene;
    this.#opened += 1;
    const id = `c${String(this.#opened).padStart(13, '0')}=`;
    const connection = { id, peer, openedAt: world.now, isOpen: false, closedAt: Infinity };
    this.#connections.set(id, connection);
    this.#invoke(connection, {
      what: 'connect',
      make: (event) => makeConnectEvent(event),
      answer: (response) => {
        connection.isOpen = response?.statusCode === 200;
        if (!connection.isOpen) {
          connection.closedAt = world.now;
          peer.closed(connection);
          return;
        }
        peer.opened(connection);
        const decisions = this.#options.scene.adversary.about(`${id} opens`);
        const isCut = decisions.does('connection cut');
        const lifetimeMs = isCut ? decisions.random.below(LATEST_CUT_MS) : CONNECTION_LIFETIME_MS;
        world.after(lifetimeMs, () => this.close(connection));
      },
    });
  }

  /** A frame of the client. */
  send(connection: Connection, frame: string): void {
    if (!connection.isOpen) return;
    const { world, random } = this.#options.scene;
    world.after(this.#transitMs(), () => {
      const { action } = JSON.parse(frame) as { readonly action: string };
      // Its mock integration answers pings, without a function.
      if (action === 'ping') {
        world.after(random.between(5, 40), () => this.#arrive(connection, '{"type":"pong"}'));
        return;
      }
      const event = { routeKey: action, body: frame };
      this.#invoke(connection, {
        what: action,
        make: (of) => makeMessageEvent({ ...of, ...event }),
        answer: (response) => {
          const { body } = response ?? {};
          if (body === undefined) return this.#options.watch.disturbed(connection);
          this.#options.watch.answered(connection, frame, body);
          world.after(random.between(5, 40), () => this.#arrive(connection, body));
          return undefined;
        },
      });
    });
  }

  /** Ends a connection, from either side or because the network fails. */
  close(connection: Connection): void {
    if (!connection.isOpen) return;
    const { scene } = this.#options;
    connection.isOpen = false;
    connection.closedAt = scene.world.now;
    connection.peer.closed(connection);
    const decisions = scene.adversary.about(`${connection.id} closes`);
    if (decisions.does('disconnect lost')) return;
    scene.world.after(decisions.random.between(5, 2_000), () => {
      this.#invoke(connection, {
        what: 'disconnect',
        make: (event) => makeDisconnectEvent(event),
        answer: () => {},
      });
    });
  }

  #transitMs(): number {
    return this.#options.scene.random.between(5, 40);
  }

  #arrive(connection: Connection, frame: string): void {
    if (connection.isOpen) connection.peer.receive(frame);
  }

  /** Lets an environment handle an event. */
  #invoke(connection: Connection, { what, make, answer }: Invoked): void {
    const { world, story } = this.#options.scene;
    this.#requests += 1;
    const requestId = `r${this.#requests}`;
    const { id: connectionId, openedAt: connectedAt, peer } = connection;
    const event = make({ connectionId, connectedAt, now: world.now, requestId });
    let isAnswered = false;
    const settle = (response: ProxyResponse | undefined): void => {
      if (isAnswered) return;
      isAnswered = true;
      answer(response);
    };
    world.after(INTEGRATION_TIMEOUT_MS, () => settle(undefined));
    this.#fleet.invoke(async ({ handler }, { name }) => {
      story?.tell(`${name} handles ${what} of ${peer.name} (${requestId})`);
      const endsAt = Date.now() + INTEGRATION_TIMEOUT_MS;
      const context = {
        awsRequestId: requestId,
        getRemainingTimeInMillis: () => endsAt - Date.now(),
      };
      const response = (await handler(event, context)) as ProxyResponse;
      // What comes back does not belong to the environment any more.
      world.after(0, () => settle(response));
    });
  }

  /** The `@connections` API as one environment reaches it. */
  #gatewayOf(environment: Environment): Gateway {
    return {
      post: (connectionId, frame) => this.#post(environment, connectionId, frame),
      disconnect: async (connectionId) => {
        const connection = this.#connections.get(connectionId);
        if (!connection?.isOpen) return { result: 'gone' };
        this.close(connection);
        return { result: 'delivered' };
      },
    };
  }

  #post(environment: Environment, connectionId: string, frame: string): Promise<PostOutcome> {
    const { scene, watch } = this.#options;
    const { world, story } = scene;
    this.#posts += 1;
    scene.counts.pushes += 1;
    const decisions = scene.adversary.about(`${environment.name} post ${this.#posts}`);
    watch.posted(connectionId, frame);
    const { random } = decisions;
    return new Promise((resolve) => {
      const answerAfter = (delayMs: number, outcome: PostOutcome): void => {
        world.after(delayMs, () => resolve(outcome), environment);
      };
      if (decisions.does('push failed')) {
        this.#failsUntil.set(connectionId, world.now + random.below(LONGEST_FAILURE_MS));
      }
      if (world.now <= (this.#failsUntil.get(connectionId) ?? 0)) {
        const reason = 'the adversary';
        const error = makeError('ERR_DELIVERY_FAILED', { endpoint: 'simulated', reason });
        answerAfter(random.between(5, 500), { result: 'retry', error });
        return;
      }
      const isLost = decisions.does('push lost');
      const isDoubled = decisions.does('push doubled');
      const isLate = decisions.does('push late');
      const delayMs = isLate ? random.between(40, LATEST_PUSH_MS) : random.between(5, 40);
      world.after(random.between(1, 5), () => {
        const connection = this.#connections.get(connectionId);
        if (!connection?.isOpen) {
          answerAfter(random.between(1, 5), { result: 'gone' });
          return;
        }
        if (isLost) story?.tell(`a push to ${connection.peer.name} is lost`);
        else world.after(delayMs, () => this.#arrive(connection, frame));
        if (isDoubled)
          world.after(delayMs + random.below(3_000), () => this.#arrive(connection, frame));
        answerAfter(random.between(1, 5), { result: 'delivered' });
      });
    });
  }
}
