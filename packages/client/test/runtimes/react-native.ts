// What React Native gives to an app, as far as the client could come to use it.
import { createContext, runInContext } from 'node:vm';
import { WebSocket } from 'ws';
import type { ClientOptions } from '../../src/index.js';
import { bundleScript } from './bundle.js';
import type { Visitor } from './visitor.js';

type Listener = (event: { readonly type: string; readonly [field: string]: unknown }) => void;

/**
 * A WebSocket with the ways of React Native on Android (WebSocket.js and WebSocketModule.kt of 0.8x):
 * - `close()` before it is open is forgotten, and it opens all the same;
 * - what fails says `error` and then `close` with 1006 and a reason, and no `wasClean`;
 * - listeners take no options.
 */
class ReactNativeWebSocket {
  readyState = 0;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #native: WebSocket;

  constructor(url: string, protocols?: string[]) {
    this.#native = new WebSocket(url, protocols);
    let failure = 'The connection was lost';
    this.#native.on('open', () => this.#tell(1, { type: 'open' }));
    this.#native.on('message', (data) => {
      this.#tell(this.readyState, { type: 'message', data: (data as Buffer).toString() });
    });
    this.#native.on('error', ({ message }) => {
      failure = message;
    });
    this.#native.on('close', (code, reason) => {
      if (code === 1006) this.#tell(3, { type: 'error', message: failure });
      const why = code === 1006 ? failure : reason.toString();
      this.#tell(3, { type: 'close', code, reason: why });
    });
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  send(data: string): void {
    if (this.readyState === 0) throw new Error('INVALID_STATE_ERR');
    this.#native.send(data);
  }

  close(code = 1000, reason = ''): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    if (this.#native.readyState === WebSocket.OPEN) this.#native.close(code, reason);
  }

  #tell(readyState: number, event: Parameters<Listener>[0]): void {
    this.readyState = readyState;
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
  }
}

/** Reads nothing of a URL but the text it was made of. */
class ReactNativeUrl {
  readonly href: string;

  constructor(url: string) {
    this.href = url.endsWith('/') ? url : `${url}/`;
  }

  toString(): string {
    return this.href;
  }
}
for (const part of ['protocol', 'host', 'hostname', 'port', 'origin', 'search', 'searchParams']) {
  Object.defineProperty(ReactNativeUrl.prototype, part, {
    get() {
      throw new Error(`URL.${part} is not implemented`);
    },
  });
}

/** Made by hand: no event target but this one takes its signal. */
class ReactNativeAbortController {
  readonly signal = { aborted: false, addEventListener() {}, removeEventListener() {} };

  abort(): void {
    this.signal.aborted = true;
  }
}

/** What the engine (Hermes) has less than Node's: what came after ES2022, and what needs threads. */
const LESS = `
for (const name of ['Atomics', 'FinalizationRegistry', 'Iterator', 'SharedArrayBuffer', 'WebAssembly']) {
  delete globalThis[name];
}
delete Array.fromAsync;
delete Map.groupBy;
delete Object.groupBy;
delete Promise.withResolvers;
delete Promise.try;
for (const name of ['findLast', 'findLastIndex', 'toReversed', 'toSorted', 'toSpliced', 'with']) {
  delete Array.prototype[name];
}
for (const name of ['isWellFormed', 'toWellFormed']) delete String.prototype[name];
`;

/**
 * The globals of React Native, with some added, and some taken away by `undefined`. What it has of the
 * web is its own; there is no `document`, and no event of the whole app.
 */
export function reactNativeGlobals(
  additions: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const globals = {
    WebSocket: ReactNativeWebSocket,
    URL: ReactNativeUrl,
    AbortController: ReactNativeAbortController,
    navigator: { product: 'ReactNative' },
    performance: { now: () => performance.now() },
    console,
    ...additions,
  };
  return Object.fromEntries(Object.entries(globals).filter(([, value]) => value !== undefined));
}

/** An app with the client in it. */
export interface App {
  readonly openVisitor: (options: ClientOptions) => Visitor;
  /** What was thrown where nobody could catch it. React Native ends the app for it. */
  readonly escaped: unknown[];
}

export async function startApp(globals: Record<string, unknown>): Promise<App> {
  const escaped: unknown[] = [];
  const guarded = (call: () => void) => () => {
    try {
      call();
    } catch (error) {
      escaped.push(error);
    }
  };
  const context = createContext({
    ...globals,
    queueMicrotask: (call: () => void) => queueMicrotask(guarded(call)),
    // Timers are numbers there.
    setTimeout: (call: () => void, delayMs: number) => Number(setTimeout(guarded(call), delayMs)),
    clearTimeout: (timer: number | undefined) => clearTimeout(timer),
  });
  runInContext(LESS + (await bundleScript('react-native')), context);
  return { openVisitor: context.openVisitor as App['openVisitor'], escaped };
}
