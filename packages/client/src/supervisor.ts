import { type ClientErrorCode, type ClientRequestError, clientError } from './errors.js';
import type { Fields } from './incoming.js';
import { KeepAlive } from './keep-alive.js';
import type { Off } from './listeners.js';
import { watchPage } from './page.js';
import { after, backoffMs, clamp, milliseconds, type Timer } from './timers.js';
import type { OpenTransport, Transport } from './transport.js';

/** `waiting`: the client tries again after a while. `closed`: it never will. */
export type ConnectionState = 'connecting' | 'connected' | 'waiting' | 'closed';

/** Why the client is `waiting` or `closed`. */
export interface StateReason {
  /** A code of `clientErrors`, `ERR_CONNECTION_UNKNOWN`, or the one the server gave with its farewell. */
  readonly code: ClientErrorCode | (string & {});
  /** When `waiting`: how long until the next attempt, in milliseconds. Absent while the page is left. */
  readonly retryInMs?: number;
}

/** Returns the token, or a promise of it; `undefined` for none. */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** What the supervisor works with, and what it reports. */
export interface SupervisorOptions {
  readonly open: OpenTransport;
  readonly token?: TokenSource;
  /** Silence after which it pings, in milliseconds; the server may name another one. */
  readonly keepAliveMs?: number;
  /** Whether a request has no answer yet. */
  isWaiting(): boolean;
  ping(): void;
  onFrame(data: unknown): void;
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

/** Keeps one logical connection up: transports come and go under it until it is closed. */
export class Supervisor {
  state: ConnectionState = 'connecting';
  readonly #options: SupervisorOptions;
  readonly #keepAlive: KeepAlive;
  readonly #stopWatching: Off;
  /** The transport in use. */
  #current: Transport | undefined;
  /** The one that is to take its place. */
  #opening: Attempt | undefined;
  #timer: Timer | undefined;
  /** Limit of the wait after the end of a connection; the server may name another one. */
  #firstWaitMs: number | undefined;
  /** When the latest attempt began, and when a connection was opened last. */
  #startedAt = 0;
  #openedAt = 0;
  #notBefore = 0;
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

  /** Writes a frame that wants an answer. `false` when there is no open connection. */
  ask(frame: string): boolean {
    if (!this.tell(frame)) return false;
    this.#keepAlive.expect();
    return true;
  }

  /** Writes a frame. `false` when there is no open connection. */
  tell(frame: string): boolean {
    const transport = this.#current;
    if (!transport) return false;
    if (transport.send(frame)) return true;
    // It is closing, and may take long to end.
    queueMicrotask(() => {
      if (this.#current === transport) this.restart(clientError('ERR_CONNECTION_LOST'));
    });
    return false;
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

  /**
   * Gives the present connection up and opens another one after a while.
   *
   * @param noSoonerMs - What the server asks for, in milliseconds.
   */
  restart(error: ClientRequestError, noSoonerMs?: unknown): void {
    const afterMs = milliseconds(noSoonerMs);
    const { code } = error;
    const now = performance.now();
    if (this.state === 'connected' && now - this.#openedAt >= STABLE_MS) {
      this.#waits = 0;
      // Where the server knows no connection at all, the next one will be of no more use.
      if (code !== 'ERR_CONNECTION_UNKNOWN') this.#proveUseful();
    }
    this.#leave();
    const retryInMs = Math.round(milliseconds(afterMs + backoffMs(this.#waits, this.#firstWaitMs)));
    this.#waits += 1;
    if (!this.#isOfUse) this.#failures += 1;
    this.#notBefore = now + afterMs;
    this.#timer = after(retryInMs, () => void this.#open());
    const isTold = code === 'ERR_TOKEN' || this.#failures >= FAILURES;
    this.#enter('waiting', { code, retryInMs });
    if (isTold && this.state !== 'closed') this.#options.onRefused(error, retryInMs);
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
      if (!isStale()) this.restart(clientError(code, { cause }));
    };
    this.#opening = attempt;
    this.#startedAt = performance.now();
    this.#isOfUse = false;
    this.#timer = after(CONNECT_MS, () => fail('ERR_HANDSHAKE'));
    if (this.state !== 'connecting') this.#enter('connecting');
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
        received: (data) => this.#received(data),
        ended: (cause) => {
          // Since it opened, it is no longer the one that is opening.
          if (isStale()) this.restart(clientError('ERR_CONNECTION_LOST', { cause }));
          else fail('ERR_HANDSHAKE', cause);
        },
      });
    } catch (cause) {
      fail(code, cause);
    }
  }

  #opened({ transport }: Attempt): void {
    clearTimeout(this.#timer);
    const previous = this.#current;
    this.#current = transport;
    this.#opening = undefined;
    this.#openedAt = performance.now();
    this.#keepAlive.heard(false);
    this.#enter('connected');
    previous?.close();
  }

  #received(data: unknown): void {
    this.#options.onFrame(data);
    // Only now it is known whether a request is still without an answer.
    if (this.#current) this.#keepAlive.heard(this.#options.isWaiting());
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
  }
}
