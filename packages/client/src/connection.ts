import type { ServerFrame } from '@gatecast/protocol';
import { backoffMs, MAX_DELAY_MS } from './backoff.js';
import { type ClientErrorCode, type ClientRequestError, clientError } from './errors.js';
import { KeepAlive } from './keep-alive.js';
import type { Off } from './listeners.js';
import { readServerFrame } from './server-frame.js';
import { onWake } from './wake.js';
import { OPEN, subprotocols, type WebSocketConstructor, type WebSocketLike } from './web-socket.js';

/** `waiting`: the client tries again after a while. `closed`: it never will. */
export type ConnectionState = 'connecting' | 'connected' | 'waiting' | 'closed';

/** Why the client is `waiting` or `closed`. */
export interface StateReason {
  /** A code of `clientErrors`, `ERR_CONNECTION_UNKNOWN`, or the one the server gave with its farewell. */
  readonly code: ClientErrorCode | (string & {});
  /** When `waiting`: how long until the next attempt, in milliseconds. */
  readonly retryInMs?: number;
}

/** What the connection is made of, and whom it tells. */
export interface ConnectionOptions {
  readonly url: string;
  readonly token: (() => string | undefined | Promise<string | undefined>) | undefined;
  readonly WebSocket: WebSocketConstructor;
  onFrame(frame: ServerFrame): void;
  onRefused(error: ClientRequestError): void;
  onState(state: ConnectionState, reason?: StateReason): void;
}

/** Longest for the token and the handshake together: a lost packet must not cost minutes. */
const CONNECT_MS = 30_000;
/** How long a connection must last for the next wait to be short again. */
const STABLE_MS = 5_000;
/** Failed handshakes in a row before the app is told. */
const REFUSALS = 3;

/** The one logical connection: WebSockets come and go under it until it is closed. */
export class Connection {
  state: ConnectionState = 'connecting';
  readonly #options: ConnectionOptions;
  readonly #keepAlive: KeepAlive;
  readonly #stopWaking: Off;
  /** Replaced with every attempt, so that what an earlier one left behind is seen to be stale. */
  #attempt: { webSocket?: WebSocketLike } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #openedAt = 0;
  #notBefore = 0;
  #waits = 0;
  #refusals = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#keepAlive = new KeepAlive({
      ping: () => this.tell('{"action":"ping"}'),
      onSilent: () => {
        const webSocket = this.#attempt?.webSocket;
        this.restart('ERR_CONNECTION_SILENT');
        // A WebSocket of `ws` would wait half a minute for the other end to agree to the close.
        webSocket?.terminate?.();
      },
    });
    this.#stopWaking = onWake(() => this.#wake());
    queueMicrotask(() => {
      if (this.state !== 'closed') void this.#connect();
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
    const webSocket = this.#attempt?.webSocket;
    if (webSocket?.readyState !== OPEN) return false;
    webSocket.send(frame);
    return true;
  }

  /** Gives the present WebSocket up and opens another one after a while. */
  restart(code: StateReason['code'], afterMs = 0): void {
    this.#leave();
    const now = performance.now();
    if (this.state === 'connected' && now - this.#openedAt >= STABLE_MS) this.#waits = 0;
    const retryInMs = Math.min(Math.round(afterMs + backoffMs(this.#waits)), MAX_DELAY_MS);
    this.#waits += 1;
    this.#notBefore = now + afterMs;
    this.#timer = setTimeout(() => void this.#connect(), retryInMs);
    this.#enter('waiting', { code, retryInMs });
  }

  close(code: StateReason['code']): void {
    if (this.state === 'closed') return;
    this.#leave();
    this.#stopWaking();
    this.#enter('closed', { code });
  }

  async #connect(): Promise<void> {
    const attempt: { webSocket?: WebSocketLike } = {};
    this.#attempt = attempt;
    this.#timer = setTimeout(() => this.#refused('ERR_HANDSHAKE'), CONNECT_MS);
    if (this.state !== 'connecting') this.#enter('connecting');
    const { url, token, WebSocket } = this.#options;
    let protocols: string[];
    try {
      protocols = subprotocols(await token?.());
    } catch (cause) {
      if (this.#attempt !== attempt) return;
      this.#refused('ERR_TOKEN', cause);
      return;
    }
    if (this.#attempt !== attempt) return;
    try {
      attempt.webSocket = new WebSocket(url, protocols);
      this.#listen(attempt.webSocket);
    } catch (cause) {
      // A page's security policy may forbid the URL.
      this.#refused('ERR_HANDSHAKE', cause);
    }
  }

  #listen(webSocket: WebSocketLike): void {
    const isCurrent = (): boolean => this.#attempt?.webSocket === webSocket;
    webSocket.addEventListener('open', () => {
      if (isCurrent()) this.#opened();
    });
    webSocket.addEventListener('message', (event: { readonly data: unknown }) => {
      if (isCurrent()) this.#received(event.data);
    });
    webSocket.addEventListener('close', () => {
      if (!isCurrent()) return;
      // Not even code 1000 is final: whoever calls `DELETE @connections` closes with it.
      if (this.state === 'connected') this.restart('ERR_CONNECTION_LOST');
      else this.#refused('ERR_HANDSHAKE');
    });
    // The close event says all there is to say, but `ws` throws when nothing listens to this one.
    webSocket.addEventListener('error', () => {});
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#openedAt = performance.now();
    this.#refusals = 0;
    this.#keepAlive.heard();
    this.#enter('connected');
  }

  #received(data: unknown): void {
    this.#keepAlive.heard();
    const frame = readServerFrame(data);
    if (!frame) return;
    if (frame.type !== 'bye') {
      this.#options.onFrame(frame);
      return;
    }
    if (frame.reconnect) this.restart(frame.code, Number(frame.afterMs) || 0);
    else this.close(frame.code);
  }

  #refused(code: 'ERR_HANDSHAKE' | 'ERR_TOKEN', cause?: unknown): void {
    this.#refusals += 1;
    this.restart(code);
    if (code === 'ERR_HANDSHAKE' && this.#refusals < REFUSALS) return;
    this.#options.onRefused(clientError(code, { cause }));
  }

  #wake(): void {
    if (this.state === 'connected') this.#keepAlive.probe();
    if (this.state !== 'waiting' || performance.now() < this.#notBefore) return;
    clearTimeout(this.#timer);
    void this.#connect();
  }

  #enter(state: ConnectionState, reason?: StateReason): void {
    this.state = state;
    this.#options.onState(state, reason);
  }

  #leave(): void {
    const webSocket = this.#attempt?.webSocket;
    this.#attempt = undefined;
    clearTimeout(this.#timer);
    this.#keepAlive.stop();
    webSocket?.close(1000);
  }
}
