import type { Checks } from './checks.js';
import type { Connection } from './connection.js';

/** Longest silence after which the client pings, unless it was told of a longer one. */
const KEEP_ALIVE_MS = 240_000;
/** Silence after which it pings when a request has no answer. */
const ANSWER_MS = 5_000;
const MOVE_MS = 30_000;
const PONG_MS = 10_000;
const MARGIN_MS = 1_000;
/** How long it may take until nothing is asked any more. */
const SETTLING_MS = 90_000;

/** The rules for connections: when they are given up, looked after and opened again. */
export class ConnectionChecks {
  /** Whether the server has asked for a keep-alive so long that a silent connection stays. */
  hasNonsense = false;
  readonly #checks: Checks;
  #latest: { readonly connection: Connection; readonly openedMs: number } | undefined;
  /** Whether a ping has been written, and nothing has come since. */
  #isPinging = false;
  /** How often it has pinged although there is nothing to ask. */
  #idlePings = 0;
  /** Until when the server wants no handshake. */
  #notBeforeMs = 0;
  /** Whether the server has said that the client must not come back. */
  #isOver = false;
  #hasWoken = false;
  /** In which step the client last tried to connect. */
  #triedAt = -1;
  #isHidden = false;

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  /** The present connection, if it is open, and since when; without the machine's sleep. */
  get open(): { readonly connection: Connection; readonly openedMs: number } | undefined {
    return this.#latest?.connection.webSocket.readyState === 1 ? this.#latest : undefined;
  }

  /** The client begins to connect. */
  tries(): void {
    this.#triedAt = this.#checks.world.time.step;
  }

  handshake(): void {
    this.tries();
    if (this.#checks.world.time.nowMs >= this.#notBeforeMs) return;
    const text = `The server wanted none before ${this.#notBeforeMs} ms.`;
    this.#checks.world.fails('a farewell is not heeded', text);
  }

  opened(connection: Connection): void {
    this.#latest = { connection, openedMs: this.#checks.world.time.awakeMs };
    this.#isPinging = false;
  }

  pinged(): void {
    const { time, plan } = this.#checks.world;
    this.#isPinging = true;
    if (time.awakeMs > plan.calmAtMs + SETTLING_MS) this.#idlePings += 1;
  }

  /** Nothing has gone wrong for long, and nothing is asked. */
  quiet(): void {
    const { world } = this.#checks;
    const { plan, time } = world;
    // Otherwise it has been told to ping more often.
    if (plan.surroundings.keepAliveMs !== undefined || plan.rates.settings !== undefined) return;
    const idleMs = time.awakeMs - plan.calmAtMs - SETTLING_MS;
    if (this.#idlePings <= idleMs / KEEP_ALIVE_MS + 1) return;
    world.fails('pings without need', `${this.#idlePings} within ${idleMs} ms.`);
  }

  arrives(): void {
    this.#isPinging = false;
  }

  /** The server says farewell. */
  leaves(
    { webSocket }: Connection,
    bye: { reconnect: boolean; afterMs: number | undefined },
  ): void {
    if (webSocket.readyState !== 1) return;
    if (bye.reconnect) this.#notBeforeMs = this.#checks.world.time.nowMs + (bye.afterMs ?? 0);
    // The first of two connections may be sent away: the second one stays.
    this.#isOver = !bye.reconnect && !this.#checks.hasOther(webSocket);
  }

  /** The client is about to close one. */
  closing(connection: Connection): void {
    this.#checkSilence(connection);
  }

  /** The page, or the network, is back. */
  woke(): void {
    this.#hasWoken = true;
  }

  /** The page has been hidden: a browser keeps it for the way back only without a connection. */
  hidden(): void {
    this.#isHidden = true;
  }

  step(): void {
    const { open } = this;
    if (open) this.#checkSilence(open.connection);
    if (this.#isHidden && this.#checks.hasOpenWebSockets) {
      this.#checks.world.fails('a connection of a hidden page', 'A WebSocket is not closed.');
    }
    if (this.#isOver && this.#checks.closedMs === undefined) {
      this.#checks.world.fails('a farewell is not heeded', 'The client must not come back.');
    }
    if (this.#hasWoken && this.#checks.closedMs === undefined) this.#checkWaking();
    this.#isHidden = false;
    this.#hasWoken = false;
  }

  #checkSilence(connection: Connection): void {
    const { silentSinceMs } = connection;
    if (silentSinceMs === undefined) return;
    const { world, messages } = this.#checks;
    const askedMs = messages.oldestOn(connection);
    const isAsking = askedMs !== undefined;
    if (this.hasNonsense && !isAsking) return;
    const latest = this.#latest;
    const isFirst = latest !== undefined && latest.connection !== connection;
    // What the first of two connections still owes is waited for.
    if (isFirst && world.time.awakeMs - latest.openedMs <= MOVE_MS + MARGIN_MS) return;
    const sinceMs = isAsking ? Math.max(silentSinceMs, askedMs) : silentSinceMs;
    const limitMs = (isAsking ? ANSWER_MS : KEEP_ALIVE_MS) + PONG_MS + MARGIN_MS;
    if (world.time.awakeMs - sinceMs <= limitMs) return;
    const text = `Connection #${connection.number} has been silent since ${silentSinceMs} ms.`;
    world.fails('a silent connection is kept', text);
  }

  #checkWaking(): void {
    const { world, application } = this.#checks;
    const mayWait = world.time.nowMs < this.#notBeforeMs || this.#triedAt === world.time.step;
    const isAsleep =
      (application?.state === 'waiting' && !mayWait) ||
      (application?.state === 'connected' && !this.#isPinging);
    if (isAsleep) world.fails('a wake-up without effect', `It is "${application?.state}".`);
  }
}
