import { afterEach, beforeEach, vi } from 'vitest';
import { type Client, type ClientOptions, createClient, type StateReason } from '../src/index.js';

/** A frame as the client wrote it. */
export interface WrittenFrame {
  readonly action: string;
  readonly id: string;
  readonly channel?: string;
  readonly channels?: readonly (string | { readonly channel: string })[];
  readonly data?: unknown;
  readonly attempt?: number;
}

const PONG = { type: 'pong' };

/** A WebSocket that does as it is told, for tests in which time matters. */
export class ScriptedWebSocket {
  static opensByItself = true;
  static answersPings = false;
  readonly sent: WrittenFrame[] = [];
  readonly #listeners = new Map<string, (event: never) => void>();
  readyState = 0;
  closedWith: number | undefined;
  wasTerminated = false;

  constructor() {
    opened.push(this);
    if (ScriptedWebSocket.opensByItself) queueMicrotask(() => this.open());
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }

  fire(type: string, event: unknown): void {
    this.#listeners.get(type)?.(event as never);
  }

  open(): void {
    this.readyState = 1;
    this.fire('open', {});
  }

  send(text: string): void {
    const frame = JSON.parse(text) as WrittenFrame;
    this.sent.push(frame);
    const isPing = frame.action === 'ping';
    if (isPing && ScriptedWebSocket.answersPings) queueMicrotask(() => this.receive(PONG));
  }

  receive(frame: object): void {
    this.receiveText(JSON.stringify(frame));
  }

  receiveText(data: string): void {
    this.fire('message', { data });
  }

  /** Half open: nothing ever comes of it. */
  close(code?: number): void {
    this.readyState = 2;
    this.closedWith = code;
  }

  /** The other end closes it. */
  end(): void {
    this.readyState = 3;
    this.fire('close', {});
  }

  terminate(): void {
    this.wasTerminated = true;
    this.end();
  }

  get actions(): string[] {
    return this.sent.map(({ action }) => action);
  }

  /** The frames of an action. */
  of(action: string): WrittenFrame[] {
    return this.sent.filter((frame) => frame.action === action);
  }
}

/** The WebSockets that the client of this test has opened. */
export const opened: ScriptedWebSocket[] = [];
/** What `onState` told. */
export const states: [state: string, code: string | undefined, retryInMs: number | undefined][] =
  [];
/** What ends the listeners that the client added to the window. */
export const signals: AbortSignal[] = [];
/** The page's document. */
export let page: EventTarget & { visibilityState: string };
export let client: Client;
let window: EventTarget;

/**
 * Gives each test a clock, a page and a WebSocket that it controls. Random numbers are 0.5, and what is
 * written to the console goes nowhere.
 */
export function useVirtualTime(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    vi.spyOn(console, 'warn').mockReturnValue();
    for (const list of [opened, states, signals]) list.length = 0;
    ScriptedWebSocket.opensByItself = true;
    ScriptedWebSocket.answersPings = false;
    page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
    window = new EventTarget();
    vi.stubGlobal('document', page);
    vi.stubGlobal('addEventListener', (...args: Parameters<typeof addEventListener>) => {
      signals.push((args[2] as { signal: AbortSignal }).signal);
      window.addEventListener(...args);
    });
  });
  afterEach(() => {
    client.close();
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
}

/** Makes the client, and lets its first WebSocket open. */
export async function start(options: Partial<ClientOptions> = {}): Promise<void> {
  client = createClient({
    url: 'ws://127.0.0.1/dev',
    WebSocket: ScriptedWebSocket,
    ...options,
  });
  client.onState((state, reason?: StateReason) =>
    states.push([state, reason?.code, reason?.retryInMs]),
  );
  await pass(0);
}

/** Lets time pass, and everything happen that was due. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Lets time pass on a connection that works. */
export async function passSeconds(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await pass(1_000);
    await receive({ type: 'pong' });
  }
}

/** The window tells of something: `online`, `pagehide`, `pageshow`. */
export function dispatch(type: string): void {
  window.dispatchEvent(new Event(type));
}

/** The WebSocket opened last. */
export function current(): ScriptedWebSocket {
  return opened.at(-1) as ScriptedWebSocket;
}

/** Receives a frame on the WebSocket opened last. */
export async function receive(frame: object): Promise<void> {
  current().receive(frame);
  await pass(0);
}

/** The request written last, without pings. */
function latest(): WrittenFrame | undefined {
  return current().sent.findLast(({ action }) => action !== 'ping');
}

/** Answers a request; without one, that written last. */
export async function answer(data: unknown, id?: string): Promise<void> {
  await pass(0);
  await receive({ type: 'reply', id: id ?? latest()?.id, data });
}

/** Accepts what a `subscribe` or `unsubscribe` frame asks; without one, the request written last. */
export async function accept(frame?: WrittenFrame): Promise<void> {
  await pass(0);
  const asked = frame ?? latest();
  const channels = channelsOf(asked).map((channel) => ({ channel, result: 'live' }));
  await answer({ channels }, asked?.id);
}

/** Refuses the request written last. */
export async function refuse(
  error: { readonly code?: string; readonly retryAfterMs?: unknown } = {},
): Promise<void> {
  await pass(0);
  const { code = 'ERR_RATE_LIMIT', retryAfterMs } = error;
  await receive({
    type: 'error',
    id: latest()?.id,
    error: { code, message: 'Slow down.', retryAfterMs },
  });
}

/** An error of API Gateway's own, which names no request. */
export async function gatewaySays(message: string): Promise<void> {
  await receive({ message, connectionId: 'L0SM9cOFvHcCIhw=', requestId: 'JqxQpHMcPHcFn3Q=' });
}

/** The names of the channels in a `subscribe` or `unsubscribe` frame. */
export function channelsOf(frame: WrittenFrame | undefined): string[] {
  return (frame?.channels ?? []).map((one) => (typeof one === 'string' ? one : one.channel));
}

/** Subscribes to a channel, and accepts it. */
export async function subscribed(name: string): Promise<void> {
  const joined = client.channel(name).subscribe();
  await accept();
  await joined;
}

/** The server says why it ends the connection, and ends it. */
export async function farewell(code: string, afterMs?: unknown): Promise<void> {
  await receive({ type: 'bye', code, reason: 'x', reconnect: true, afterMs });
  current().end();
}

/** Ends the connection and waits for the next. */
export async function reconnect(): Promise<ScriptedWebSocket> {
  const count = opened.length;
  current().end();
  await untilReconnected();
  if (opened.length !== count + 1) throw new Error('There is no new connection.');
  return current();
}

/** Lets the time pass that the client waits before its next attempt. */
export async function untilReconnected(): Promise<void> {
  await pass(states.at(-1)?.[2] ?? 0);
}

/** What a promise comes to: its value, the code of its error, or `pending`. */
export function watch(promise: Promise<unknown>): () => unknown {
  let outcome: unknown = 'pending';
  promise.then(
    (value) => (outcome = value),
    (error: { code?: string }) => (outcome = error.code ?? error),
  );
  return () => outcome;
}
