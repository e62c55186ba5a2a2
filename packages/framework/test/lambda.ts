import { type App, type Gateway, memoryStore, type Store } from '@gatecast/framework';
import {
  makeConnectEvent,
  makeDisconnectEvent,
  makeMessageEvent,
} from '@gatecast/framework/testing';
import { vi } from 'vitest';

/** Lambda's context object of an invocation with `leftMs` milliseconds left. */
export function contextOf(leftMs: number) {
  const endsAt = Date.now() + leftMs;
  return {
    functionName: 'test',
    awsRequestId: 'request',
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
}

type Connections = Store['connections'];

/**
 * A memory store with some methods replaced. Each replacement gets the original call as its last
 * argument.
 */
export function storeWith(
  replaced: {
    readonly [K in Exclude<keyof Connections, 'contract'>]?: (
      real: () => Promise<unknown>,
      ...args: Parameters<Connections[K]>
    ) => Promise<unknown>;
  },
  store: Store = memoryStore(),
): Store {
  const { connections } = store;
  const wrapped = new Proxy(connections, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const replacement = (replaced as Record<string | symbol, unknown>)[name];
      return (...args: unknown[]) => {
        const real = (): unknown => Reflect.apply(member, target, args);
        return typeof replacement === 'function' ? replacement(real, ...args) : real();
      };
    },
  });
  return { ...store, connections: wrapped };
}

/** A gateway that accepts every post, with some methods replaced. */
export function gatewayWith(replaced: Partial<Gateway> = {}): Gateway {
  return {
    post: async () => ({ result: 'delivered' }),
    disconnect: async () => ({ result: 'delivered' }),
    ...replaced,
  };
}

/** A promise that never settles. */
export function never(): Promise<never> {
  return new Promise<never>(() => {});
}

/** Events of a connection, as API Gateway sends them. */
export const eventOf = {
  connect: (connectionId: string, more: object = {}) => makeConnectEvent({ connectionId, ...more }),
  disconnect: (connectionId: string, more: object = {}) =>
    makeDisconnectEvent({ connectionId, ...more }),
  frame: (connectionId: string, frame: object, more: object = {}) =>
    makeMessageEvent({ connectionId, body: JSON.stringify(frame), ...more }),
  message(connectionId: string, action: string, more: object = {}) {
    return this.frame(connectionId, { action, id: 'f1', channel: 'rooms/1', data: {}, ...more });
  },
  subscribe(connectionId: string, ...channels: string[]) {
    return this.frame(connectionId, { action: 'subscribe', id: 'f1', channels });
  },
  unsubscribe(connectionId: string, ...channels: string[]) {
    return this.frame(connectionId, { action: 'unsubscribe', id: 'f1', channels });
  },
};

/** Runs an invocation in simulated time. Returns its answer and the time of the answer. */
export async function runSimulated(
  handler: App['handler'],
  event: unknown,
  leftMs: number,
): Promise<{ readonly answer: Answer; readonly afterMs: number }> {
  const startedAt = Date.now();
  const answered: { atMs?: number } = {};
  const answering = Promise.resolve(handler(event, contextOf(leftMs))).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  void answering.then(() => {
    answered.atMs = Date.now() - startedAt;
  });
  // A little more than the time left. After that there will be no answer.
  for (let passed = 0; answered.atMs === undefined && passed <= leftMs; passed += 10) {
    await vi.advanceTimersByTimeAsync(10);
  }
  if (answered.atMs === undefined) throw new Error('There was no answer before the end.');
  return { answer: toAnswer(await answering), afterMs: answered.atMs };
}

/** The answer of an invocation. */
export interface Answer {
  readonly statusCode?: number;
  /** The frame, if there is one. */
  readonly frame?: Readonly<Record<string, unknown>>;
  readonly error?: unknown;
}

function toAnswer(outcome: { value: unknown } | { error: unknown }): Answer {
  if ('error' in outcome) return outcome;
  const { statusCode, body } = outcome.value as { statusCode?: number; body?: string };
  return {
    ...(statusCode !== undefined && { statusCode }),
    ...(body && { frame: JSON.parse(body) as Record<string, unknown> }),
  };
}
