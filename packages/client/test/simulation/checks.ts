import type { WireError } from '@gatecast/protocol';
import type { Application } from './application.js';
import type { Connection, Frame, Request } from './connection.js';
import { ConnectionChecks } from './connection-checks.js';
import { EventChecks } from './event-checks.js';
import { MessageChecks } from './message-checks.js';
import type { Answer, PublishedEvent, Server } from './server.js';
import { StateChecks } from './state-checks.js';
import { channelNames } from './steps.js';
import { SubscriptionChecks } from './subscription-checks.js';
import type { SimulatedWebSocket } from './web-socket.js';
import { ApplicationError, type World } from './world.js';

/** What an application waits for. */
export interface Pending {
  readonly name: string;
  /** Whether it should have been settled by now. */
  readonly isOverdue: () => boolean;
}

/** How often something may happen within 10 s, besides once for each call of the application. */
const LIMITS = { handshake: 15, ping: 20, request: 30, message: 60 } as const;
const WINDOW_MS = 10_000;

/** Codes that no request may be rejected with behind the application's back. */
const CAUSED_BY_CLIENT: readonly unknown[] = ['ERR_CLOSED', 'ERR_NOT_CONNECTED'];

/** Looks at everything that happens, and says what must not. */
export class Checks {
  readonly world: World;
  readonly connections: ConnectionChecks;
  readonly messages: MessageChecks;
  readonly subscriptions: SubscriptionChecks;
  readonly events: EventChecks;
  readonly states: StateChecks;
  readonly pending = new Set<Pending>();
  /** Set once there is one. */
  application: Application | undefined;
  /** Whether close() was called, or the server said that it is over. */
  isClosing = false;
  /** When that was done. */
  closedMs: number | undefined;
  readonly #webSockets: SimulatedWebSocket[] = [];
  readonly #frameIds = new Map<string, string>();
  readonly #times = new Map<keyof typeof LIMITS, number[]>();
  readonly #calls = new Map<keyof typeof LIMITS, number>();
  readonly #ends: string[] = [];
  /** Connections with one error more than requests: none of them can be told whose it is. */
  readonly #mixedUp = new Set<Connection>();
  #isCloseChecked = false;

  constructor(world: World) {
    this.world = world;
    this.connections = new ConnectionChecks(this);
    this.messages = new MessageChecks(this);
    this.subscriptions = new SubscriptionChecks(this);
    this.events = new EventChecks(this);
    this.states = new StateChecks(this);
  }

  /** Whether a WebSocket is neither closed nor about to be. */
  get hasOpenWebSockets(): boolean {
    return this.hasOther(undefined);
  }

  /** Whether another WebSocket is open, or being opened. */
  hasOther(than: SimulatedWebSocket | undefined): boolean {
    return this.#webSockets.some((one) => one !== than && one.readyState < 2);
  }

  // From the network

  handshake(webSocket: SimulatedWebSocket): void {
    this.world.note('handshake');
    if (this.closedMs !== undefined) this.#fails('something is left running', 'A late handshake.');
    this.connections.handshake();
    this.#webSockets.push(webSocket);
    this.#count('handshake');
  }

  opened(connection: Connection): void {
    this.connections.opened(connection);
    const isSecond = this.#webSockets.some(
      (other) => other !== connection.webSocket && other.readyState === 1,
    );
    this.states.opened(isSecond);
  }

  written(connection: Connection, text: string): void {
    if (this.closedMs !== undefined) {
      this.#fails('a frame at a bad time', `After close(): ${text}`);
      return;
    }
    const frame = JSON.parse(text) as Frame;
    if (frame.action === 'ping') {
      this.#count('ping');
      this.connections.pinged();
      return;
    }
    this.#checkId(frame);
    const isMessage = frame.channel !== undefined;
    this.#count(isMessage ? 'message' : 'request');
    if (isMessage) this.messages.written(connection, frame);
    else this.subscriptions.written(connection, frame);
  }

  /** The client is about to close one. */
  closing(connection: Connection): void {
    this.connections.closing(connection);
  }

  arrives(data: unknown): void {
    this.connections.arrives();
    this.states.arrives(data);
  }

  answered(request: Request, answer: Answer): void {
    if (request.frame.channel === undefined) this.subscriptions.answered(request, answer);
    else this.messages.answered(request, answer);
    if (!answer.isVague) return;
    if (this.#mixedUp.has(request.connection)) this.strayError(request.connection);
    this.messages.doubt();
    this.subscriptions.doubt(request.connection);
    // What it may have been meant for is asked again, after a ping.
    this.called('ping');
    for (let count = 0; count < channelNames.length; count += 1) {
      this.called('message');
      this.called('request');
    }
  }

  handled(n: number): void {
    this.messages.handled(n);
  }

  isAsking(connection: Connection, channel: string): boolean {
    return this.subscriptions.isAsking(connection, channel);
  }

  /** An error arrives that names no request: it may be the answer to any. */
  strayError(connection: Connection): void {
    this.#mixedUp.add(connection);
    this.messages.strayError();
    this.subscriptions.strayError(connection);
  }

  /** The server tells that it has ended a subscription. */
  ends(connection: Connection, channel: string, error: WireError): void {
    this.subscriptions.ends(connection, channel, error);
    const isAsking = this.isAsking(connection, channel);
    if (connection.webSocket.readyState === 1 && !isAsking) this.#ends.push(channel);
  }

  eventsArrive(connection: Connection, events: readonly PublishedEvent[]): void {
    this.events.arrive(connection, events);
  }

  // From the application

  /** The application does something that leads to a frame or a handshake. */
  called(what: keyof typeof LIMITS): void {
    this.#calls.set(what, (this.#calls.get(what) ?? 0) + 1);
  }

  /** Something is waited for; returns what to call when it is settled. */
  wait(pending: Pending): () => void {
    this.pending.add(pending);
    return () => {
      this.#checkTime(pending);
      this.pending.delete(pending);
    };
  }

  /** The client is closed, by the application or by the server's farewell. */
  closed(): void {
    this.isClosing = true;
    this.closedMs ??= this.world.time.nowMs;
  }

  /** An error came out of the client that nothing has caught. */
  escaped(error: unknown, origin: 'exception' | 'rejection'): void {
    this.world.note('escaped', origin, error);
    if (error instanceof ApplicationError) return;
    const { code } = Object(error) as { readonly code?: unknown };
    if (origin === 'exception') {
      const where = error instanceof Error ? error.stack?.split('\n', 3).join(' ') : '';
      this.#fails('an uncaught exception', `${String(error)} ${where}`);
    } else if (typeof code !== 'string' || CAUSED_BY_CLIENT.includes(code)) {
      this.#fails('an unhandled rejection', String(error));
    }
  }

  /** Looks at what has become of the latest thing that happened. */
  step(): void {
    this.connections.step();
    this.messages.step();
    this.events.step();
    this.states.step();
    for (const channel of this.#ends.splice(0)) {
      if (this.application?.wants(channel) !== 'yes') continue;
      this.#fails('an end that is not told', `The subscription of "${channel}" was ended.`);
    }
    for (const pending of this.pending) this.#checkTime(pending);
    if (this.closedMs !== undefined && !this.#isCloseChecked) this.#checkClosed();
  }

  /** Nothing has gone wrong for long: client and server agree on all. */
  quiet(server: Server): void {
    const { application } = this;
    if (this.closedMs !== undefined || !application) return;
    const { current } = server;
    if (!current || application.state !== 'connected') {
      this.#fails('no way back', `The client is "${application.state}", all has long been well.`);
      return;
    }
    for (const { name } of this.pending) this.#fails('an answer comes too late', name);
    if (!this.messages.areOpen) this.connections.quiet();
    this.subscriptions.agree(current, application);
  }

  /** Long after the end. */
  atLast(): void {
    const { all } = this.world.time.timers();
    if (all > 0) this.#fails('something is left running', `${all} timers are left.`);
    const open = this.#webSockets.filter(
      (webSocket) => webSocket.readyState !== 3 && 'terminate' in webSocket,
    );
    if (open.length > 0) {
      this.#fails('something is left running', `${open.length} WebSockets are not terminated.`);
    }
  }

  #checkTime({ name, isOverdue }: Pending): void {
    if (isOverdue()) this.#fails('an answer comes too late', name);
  }

  #checkClosed(): void {
    this.#isCloseChecked = true;
    const [pending] = this.pending;
    if (pending) this.#fails('a promise outlives close()', pending.name);
    const { holding } = this.world.time.timers();
    if (holding > 0) {
      this.#fails('something is left running', `${holding} timers keep the process alive.`);
    }
    const listeners = this.application?.page.listeners ?? 0;
    if (listeners > 0) {
      this.#fails('something is left running', `${listeners} listeners of the page are left.`);
    }
    if (this.hasOpenWebSockets) {
      this.#fails('something is left running', 'A WebSocket is not closed.');
    }
  }

  #checkId({ id, attempt: _attempt, ...rest }: Frame): void {
    if (!/^.{1,64}$/.test(id)) this.#fails('a frame of no use', `The id is "${id}".`);
    const content = JSON.stringify(rest);
    const earlier = this.#frameIds.get(id) ?? content;
    this.#frameIds.set(id, content);
    if (earlier === content || rest.channels) return;
    this.#fails('a frame of no use', `${id} is the id of ${earlier} and of ${content}.`);
  }

  #count(what: keyof typeof LIMITS): void {
    const times = this.#times.get(what) ?? [];
    this.#times.set(what, times);
    times.push(this.world.time.nowMs);
    const most = LIMITS[what] + (this.#calls.get(what) ?? 0);
    const first = times[times.length - 1 - most];
    if (first === undefined || this.world.time.nowMs - first >= WINDOW_MS) return;
    this.#fails('a storm', `More than ${most} of "${what}" within 10 s.`);
  }

  #fails: World['fails'] = (kind, text) => this.world.fails(kind, text);
}
