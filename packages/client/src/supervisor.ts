import { type ClientErrorCode, type ClientRequestError, clientError } from './errors.js';
import type { Fields } from './incoming.js';
import { KeepAlive } from './keep-alive.js';
import type { Off } from './listeners.js';
import { watchPage } from './page.js';
import { ANSWERED_WITHIN_MS, after, backoffMs, clamp, milliseconds, type Timer } from './timers.js';
import type { OpenTransport, Transport } from './transport.js';

/** `waiting`: the client tries again after a while. `closed`: it never will. @group Connection */
export type ConnectionState = 'connecting' | 'connected' | 'waiting' | 'closed';

/** Why the client is `waiting` or `closed`. @group Connection */
export interface StateReason {
  /** A code of `clientErrors`, `ERR_CONNECTION_UNKNOWN`, or the one the server gave with its farewell. */
  readonly code: ClientErrorCode | (string & {});
  /** When `waiting`: how long until the next attempt, in milliseconds. Absent while the page is left. */
  readonly retryInMs?: number;
}

/** Returns the token, or a promise of it; `undefined` for none. @group Connection */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** What the supervisor works with, and what it reports. */
export interface SupervisorOptions {
  readonly open: OpenTransport;
  readonly token?: TokenSource;
  /** Silence after which it pings, in milliseconds; the server may name another one. */
  readonly keepAliveMs?: number;
  /** Whether an answer may still come to a frame that was written within 29 s. */
  isAnswerDue(): boolean;
  ping(): void;
  onFrame(data: unknown, from: Transport): void;
  /** A second connection has taken the place of the first, which stays open until {@link hasMoved}. */
  onMoving(): void;
  /** Whether everything that went over this connection has found its way to the present one. */
  hasMoved(previous: Transport): boolean;
  /** The first of the two connections has ended. */
  onRetired(previous: Transport): void;
  /** Attempts fail, and have failed for a while; there will be another one. */
  onRefused(error: ClientRequestError, retryInMs: number): void;
  onState(state: ConnectionState, reason?: StateReason): void;
}

/** One attempt to connect; its transport, once there is one. */
interface Attempt {
  transport?: Transport;
}

/** Longest for the token and the handshake together: a lost packet must not cost minutes. */
export const CONNECT_MS = 30_000;
/** How long a connection must last for the next wait to be short again. */
export const STABLE_MS = 5_000;
/** Failures in a row before the app is told. */
export const FAILURES = 3;
/** API Gateway ends a connection after 10 idle minutes (its quotas). */
export const KEEP_ALIVE_MS = 240_000;
/** API Gateway ends every connection after 2 h (its quotas): from so many minutes on, another takes its place. */
export const HAND_OVER_MS: number = 105 * 60_000;
/** A random part of it is added, so that clients which came together do not move together. */
export const HAND_OVER_WITHIN_MS: number = 10 * 60_000;
/** How long the first one stays when all has moved: the server tries for 5 s to deliver an event. */
export const LINGER_MS = 5_000;

/** Keeps one logical connection up: transports come and go under it until it is closed. */
export class Supervisor {
  state: ConnectionState = 'connecting';
  readonly #options: SupervisorOptions;
  readonly #keepAlive: KeepAlive;
  readonly #stopWatching: Off;
  /** The transport in use. */
  #current: Transport | undefined;
  /** The one before it, while what it still has to bring is awaited. */
  #previous: Transport | undefined;
  #retireTimer: Timer | undefined;
  /** The one that is to take the place of the present one. */
  #opening: Attempt | undefined;
  /** Why the server is about to end the present one. */
  #farewell: ClientRequestError | undefined;
  #timer: Timer | undefined;
  /** Limit of the wait after the end of a connection; the server may name another one. */
  #firstWaitMs: number | undefined;
  /** When the latest attempt began, and when a connection was opened last. */
  #startedAt = 0;
  #openedAt = 0;
  #notBefore = 0;
  /** When the next one is opened. */
  #nextAt = 0;
  #isLingering = false;
  #waits = 0;
  /** Attempts in a row that led to nothing: refused, or ended before they were of any use. */
  #failures = 0;
  #isOfUse = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#keepAlive = new KeepAlive(options.keepAliveMs ?? KEEP_ALIVE_MS, {
      ping: () => options.ping(),
      onSilent: () => this.restart(clientError('ERR_CONNECTION_SILENT')),
    });
    this.#stopWatching = watchPage({
      woke: () => this.#wake(),
      doubted: () => this.#doubt(),
      left: () => this.#hide(),
    });
    queueMicrotask(() => {
      if (this.state === 'connecting' && !this.#opening) void this.#open();
    });
  }

  /** Whether two connections are open. */
  get isMoving(): boolean {
    return this.#previous !== undefined;
  }

  /** Writes a frame that wants an answer. The transport it went by; `undefined` when none is open. */
  ask(frame: string): Transport | undefined {
    const transport = this.tell(frame);
    if (transport) this.#keepAlive.expect();
    return transport;
  }

  /** Writes a frame. The transport it went by; `undefined` when none is open. */
  tell(frame: string): Transport | undefined {
    const transport = this.#current;
    if (!transport || transport.send(frame)) return transport;
    // It is closing, and may take long to end.
    queueMicrotask(() => {
      if (this.#current === transport) this.#lost();
    });
    return undefined;
  }

  /** Pings, unless a ping is under way. */
  probe(): void {
    this.#keepAlive.probe();
  }

  /** The server answered a request: the connection is of use. It may say how to keep it. */
  answered({ keepAliveMs, reconnectWithinMs }: Fields): void {
    this.#proveUseful();
    const keepAlive = this.#keepAlive;
    if (!this.#options.keepAliveMs)
      keepAlive.silenceMs = clamp(keepAliveMs, [5_000, Infinity]) ?? keepAlive.silenceMs;
    this.#firstWaitMs = clamp(reconnectWithinMs, [0, 120_000]) ?? this.#firstWaitMs;
  }

  /** The server does not know a connection. */
  unknown(error: ClientRequestError, transport: Transport): void {
    if (transport === this.#current) this.restart(error);
    else this.#retire();
  }

  /**
   * The server is about to end a connection: another one is opened before it does, if it leaves the time.
   *
   * @param noSoonerMs - What the server asks for, in milliseconds.
   */
  farewell(error: ClientRequestError, noSoonerMs: unknown, transport: Transport): void {
    if (transport !== this.#current) return;
    // The latest one counts, and is not another attempt.
    if (this.#farewell) this.#waits -= 1;
    this.#farewell = error;
    this.#opening?.transport?.close();
    this.#opening = undefined;
    this.#plan(error, noSoonerMs);
  }

  /** Gives the present connection up and opens another one after a while; after a farewell, at the time that was planned then. */
  restart(error: ClientRequestError): void {
    const farewell = this.#farewell;
    if (farewell) this.#wait(farewell, Math.max(0, Math.round(this.#nextAt - performance.now())));
    else this.#wait(error, this.#plan(error));
  }

  /** The server ends a connection for good. Whether the client is closed: not if another one takes its place. */
  dismiss(error: ClientRequestError, transport: Transport): boolean {
    // An app may allow one connection a user, and end the first of two.
    if (transport !== this.#current) this.#retire();
    else if (!this.#opening) this.close(error.code);
    return this.state === 'closed';
  }

  close(code: StateReason['code']): void {
    if (this.state === 'closed') return;
    this.#leave();
    this.#stopWatching();
    this.#enter('closed', { code });
  }

  async #open(): Promise<void> {
    clearTimeout(this.#timer);
    const attempt: Attempt = {};
    const isStale = (): boolean => this.#opening !== attempt;
    const fail = (code: ClientErrorCode, cause?: unknown): void => {
      if (isStale()) return;
      attempt.transport?.close();
      this.#opening = undefined;
      if (this.#current) this.#openIn(backoffMs((this.#waits += 1)));
      else this.restart(clientError(code, { cause }));
    };
    this.#opening?.transport?.close();
    this.#opening = attempt;
    this.#startedAt = performance.now();
    this.#timer = after(CONNECT_MS, () => fail('ERR_HANDSHAKE'));
    if (!this.#current) {
      this.#isOfUse = false;
      if (this.state !== 'connecting') this.#enter('connecting');
    }
    if (isStale()) return;
    let code: ClientErrorCode = 'ERR_TOKEN';
    try {
      const token = await this.#options.token?.();
      if (token && typeof token !== 'string') throw new TypeError(`It returned a ${typeof token}.`);
      if (isStale()) return;
      code = 'ERR_HANDSHAKE';
      // It throws where a page's security policy forbids the URL.
      attempt.transport = this.#options.open(token, {
        opened: () => this.#opened(attempt),
        received: (data) => this.#received(data, attempt.transport as Transport),
        ended: (cause) => {
          // Since it opened, it is no longer the one that is opening.
          if (!isStale()) fail('ERR_HANDSHAKE', cause);
          else if (attempt.transport === this.#previous) this.#retire();
          else this.#lost(cause);
        },
      });
    } catch (cause) {
      fail(code, cause);
    }
  }

  #opened({ transport }: Attempt): void {
    this.#retire();
    this.#previous = this.#current;
    this.#current = transport;
    this.#opening = undefined;
    this.#farewell = undefined;
    this.#openedAt = performance.now();
    this.#keepAlive.heard(false);
    this.#openIn(HAND_OVER_MS + Math.random() * HAND_OVER_WITHIN_MS);
    if (!this.#previous) {
      this.#enter('connected');
      return;
    }
    this.#retireTimer = after(ANSWERED_WITHIN_MS, () => this.#retire());
    this.#options.onMoving();
    this.#linger();
  }

  #received(data: unknown, transport: Transport): void {
    this.#options.onFrame(data, transport);
    // Only now it is known whether a request is still without an answer.
    if (this.#current === transport) this.#keepAlive.heard(this.#options.isAnswerDue());
    this.#linger();
  }

  /** Lets the first of two connections end soon, if it is no longer needed. */
  #linger(): void {
    if (!this.#previous || this.#isLingering || !this.#options.hasMoved(this.#previous)) return;
    this.#isLingering = true;
    clearTimeout(this.#retireTimer);
    this.#retireTimer = after(LINGER_MS, () => this.#retire());
  }

  #retire(): void {
    const previous = this.#previous;
    if (!previous) return;
    clearTimeout(this.#retireTimer);
    this.#isLingering = false;
    this.#previous = undefined;
    previous.close();
    this.#options.onRetired(previous);
  }

  #lost(cause?: unknown): void {
    this.restart(clientError('ERR_CONNECTION_LOST', { cause }));
  }

  /** Decides when to open the next connection. How long until then, in milliseconds. */
  #plan(error: ClientRequestError, noSoonerMs?: unknown): number {
    const afterMs = milliseconds(noSoonerMs);
    const now = performance.now();
    if (this.state === 'connected' && now - this.#openedAt >= STABLE_MS) {
      this.#waits = 0;
      // Where the server knows no connection at all, the next one will be of no more use.
      if (error.code !== 'ERR_CONNECTION_UNKNOWN') this.#proveUseful();
    }
    const retryInMs = Math.round(milliseconds(afterMs + backoffMs(this.#waits, this.#firstWaitMs)));
    this.#waits += 1;
    this.#notBefore = now + afterMs;
    this.#openIn(retryInMs);
    return retryInMs;
  }

  #openIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#nextAt = performance.now() + ms;
    this.#timer = after(ms, () => void this.#open());
  }

  #wait(error: ClientRequestError, retryInMs: number): void {
    const { code } = error;
    if (!this.#isOfUse) this.#failures += 1;
    this.#leave();
    this.#openIn(retryInMs);
    const isTold = code === 'ERR_TOKEN' || this.#failures >= FAILURES;
    this.#enter('waiting', { code, retryInMs });
    if (isTold && this.state !== 'closed') this.#options.onRefused(error, retryInMs);
  }

  #proveUseful(): void {
    this.#isOfUse = true;
    this.#failures = 0;
  }

  #doubt(): void {
    if (this.state === 'connected') this.probe();
  }

  #wake(): void {
    this.#doubt();
    // An attempt from before may wait for a network that is no longer there.
    const isOld = performance.now() - this.#startedAt >= STABLE_MS;
    if (this.state === 'connecting' && isOld) {
      this.#leave();
      void this.#open();
    }
    if (this.state !== 'waiting') return;
    const earlyMs = this.#notBefore - performance.now();
    if (earlyMs <= 0) void this.#open();
    // No timer runs after the page was left.
    else this.#timer ??= after(earlyMs, () => void this.#open());
  }

  #hide(): void {
    this.#leave();
    this.#enter('waiting', { code: 'ERR_PAGE_LEFT' });
  }

  #enter(state: ConnectionState, reason?: StateReason): void {
    this.state = state;
    this.#options.onState(state, reason);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#keepAlive.stop();
    this.#current?.close();
    this.#opening?.transport?.close();
    this.#current = undefined;
    this.#opening = undefined;
    this.#farewell = undefined;
    this.#retire();
  }
}
