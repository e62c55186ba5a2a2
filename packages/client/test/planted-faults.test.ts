// Each rule of the simulation can fail: a client with one fault planted in it breaks that rule.
import { describe, expect, it } from 'vitest';
import { createClient, type WebSocketConstructor } from '../src/index.js';
import type { CreateClient, SimulatedChannel } from './simulation/client-under-test.js';
import { drawPlan } from './simulation/plan.js';
import { simulate } from './simulation/simulate.js';
import {
  accept,
  isMessage,
  isRequest,
  withChannel,
  withClient,
  withWire,
} from './simulation/tampering.js';
import { type Kind, kinds } from './simulation/world.js';

/** A fault, and the rule that it breaks. */
type Planted = readonly [fault: string, rule: Kind, client: CreateClient];

/** In how many lives a fault must show. */
const LIVES = 2_000;

const create = createClient as CreateClient;

async function never(): Promise<never> {
  return new Promise<never>(() => {});
}

function refusal(code: string): Error {
  return Object.assign(new Error('Planted.'), { code });
}

/** A client that is not told of some of what happens to the page. */
function deafTo(types: readonly string[]): CreateClient {
  return (options) => {
    const { addEventListener } = globalThis;
    if (typeof addEventListener === 'function') {
      const listen = (...args: Parameters<typeof addEventListener>): void => {
        if (!types.includes(args[0])) addEventListener(...args);
      };
      Object.assign(globalThis, { addEventListener: listen });
    }
    return create(options);
  };
}

/** What `send()` returns, with another outcome. */
function instead(
  sent: ReturnType<SimulatedChannel['send']>,
  outcome: Promise<unknown>,
): Promise<unknown> & { readonly id?: string } {
  sent?.catch(() => {});
  return Object.assign(outcome, sent?.id !== undefined && { id: sent.id });
}

const promises: readonly Planted[] = [
  [
    'subscribe() is never settled',
    'an answer comes too late',
    withChannel(create, () => ({ subscribe: never })),
  ],
  [
    'unsubscribe() is never settled',
    'an answer comes too late',
    withChannel(create, () => ({ unsubscribe: never })),
  ],
  [
    'send() is never settled',
    'an answer comes too late',
    withChannel(create, (channel) => ({
      send: (...args) => instead(channel.send(...args), never()),
    })),
  ],
  [
    'subscribe() is not settled by close()',
    'a promise outlives close()',
    withChannel(create, (channel) => ({
      subscribe: async () =>
        channel.subscribe().catch(async (error: { readonly code?: string }) => {
          if (error.code === 'ERR_CLOSED') return never();
          throw error;
        }),
    })),
  ],
  [
    'subscribe() is resolved with the answer of another channel',
    'a wrong answer',
    withChannel(create, (channel) => ({
      subscribe: async () => ({ ...(await channel.subscribe()), channel: 'rooms/0' }),
    })),
  ],
  [
    'a promise that nobody sees is rejected by close()',
    'an unhandled rejection',
    withChannel(create, (channel) => ({
      send(...args) {
        const sent = channel.send(...args);
        void sent?.finally(() => {});
        return sent;
      },
    })),
  ],
];

const messages: readonly Planted[] = [
  [
    'a message is resolved with the answer to another one',
    'a wrong answer',
    withWire(create, () => ({
      receive: (text, { hand }) => hand(text.replace(/"echo":\d+/, '"echo":0')),
    })),
  ],
  [
    'a message is rejected that nobody refused',
    'a reason that nobody gave',
    withChannel(create, (channel) => ({
      send: (...args) => instead(channel.send(...args), Promise.reject(refusal('ERR_FORBIDDEN'))),
    })),
  ],
  [
    'a message waits for half its time',
    'a time-out before its time',
    withChannel(create, (channel) => ({
      send: (message, data, { timeoutMs = 30_000, ...options }) =>
        channel.send(message, data, { ...options, timeoutMs: timeoutMs / 2 }),
    })),
  ],
  [
    'a message is said not to be sent that was',
    'a wrong word on what was written',
    withChannel(create, (channel) => ({
      send(...args) {
        const sent = channel.send(...args);
        const outcome = sent?.catch((error: { readonly code?: string }) => {
          throw error.code === 'ERR_TIMEOUT' ? refusal('ERR_NOT_SENT') : error;
        });
        return outcome && instead(sent, outcome);
      },
    })),
  ],
  [
    'a message without an answer is not written',
    'a wrong word on what was written',
    withWire(create, () => ({
      send: (text, { write }) => text.includes('.tell"') || write(text),
    })),
  ],
  [
    'every other message is held back',
    'messages out of order',
    withChannel(create, (channel) => {
      let count = 0;
      return {
        send(...args) {
          count += 1;
          if (count % 2 === 0) return channel.send(...args);
          return new Promise((resolve) => {
            setTimeout(() => resolve(channel.send(...args)), 5);
          });
        },
      };
    }),
  ],
  [
    'a message goes again under another id',
    'a message under two ids',
    withWire(create, () => ({
      send: (text, { write }) =>
        write(text.includes('"attempt"') ? text.replace('"id":"', '"id":"again') : text),
      receive: (text, { hand }) => hand(text.replace('"id":"again', '"id":"')),
    })),
  ],
  [
    'a message goes again without its attempt',
    'an attempt without its number',
    withWire(create, () => ({
      send: (text, { write }) => write(text.replace(/,"attempt":\d+/, '')),
    })),
  ],
  [
    'a message goes again after its end',
    'a frame at a bad time',
    withWire(create, () => ({
      send(text, { write, isOpen }) {
        write(text);
        if (!isMessage(text)) return;
        const again = `${text.slice(0, -1)},"attempt":2}`;
        setTimeout(() => isOpen() && write(again), 1_000);
      },
    })),
  ],
  [
    'a message does not go again',
    'a message is left lying',
    withWire(create, () => ({
      send: (text, { write }) => text.includes('"attempt"') || write(text),
    })),
  ],
  [
    'a message that API Gateway could not pass on is rejected at once',
    'a refusal that passes is final',
    withWire(create, () => {
      let latest = '';
      return {
        send(text, { write }) {
          if (isMessage(text)) latest = (JSON.parse(text) as { readonly id: string }).id;
          write(text);
        },
        receive(text, { hand }) {
          if (!text.startsWith('{"message":"Too Many')) hand(text);
          else
            hand(JSON.stringify({ type: 'error', id: latest, error: { code: 'ERR_RATE_LIMIT' } }));
        },
      };
    }),
  ],
  [
    'a message is rejected when the server does not know what became of it',
    'a time-out before its time',
    withChannel(
      withWire(create, () => ({
        receive: (text, { hand }) => hand(text.replace('ERR_OUTCOME_UNKNOWN', 'ERR_PLANTED')),
      })),
      (channel) => ({
        send(...args) {
          const sent = channel.send(...args);
          const outcome = sent?.catch((error: { readonly code?: string }) => {
            throw error.code === 'ERR_PLANTED' ? refusal('ERR_OUTCOME_UNKNOWN') : error;
          });
          return outcome && instead(sent, outcome);
        },
      }),
    ),
  ],
  [
    'a message goes to another channel',
    'a frame of no use',
    withWire(create, () => ({
      send: (text, { write }) => write(text.replace('"channel":"rooms/1"', '"channel":"rooms/3"')),
    })),
  ],
  [
    'a message does not wait for its subscription',
    'a message overtakes its subscription',
    withWire(create, () => {
      const held: string[] = [];
      return {
        send(text, { write, isOpen }) {
          const release = (): void => {
            for (const message of held.splice(0)) if (isOpen()) write(message);
          };
          if (isMessage(text)) {
            held.push(text);
            setTimeout(release, 500);
            return;
          }
          write(text);
          if (isRequest(text, 'subscribe')) release();
        },
      };
    }),
  ],
];

const subscriptions: readonly Planted[] = [
  [
    'a refusal is forgotten to say when to come back',
    'a retry before its time',
    withWire(create, () => ({
      receive: (text, { hand }) =>
        hand(text.replaceAll(/"retryAfterMs":\d{4,}/g, '"retryAfterMs":1')),
    })),
  ],
  [
    'subscribing is not told to the server',
    'subscribed, but not on the server',
    withWire(create, () => ({
      send(text, { write, hand }) {
        if (!isRequest(text, 'subscribe')) write(text);
        else queueMicrotask(() => hand(accept(text)));
      },
    })),
  ],
  [
    'leaving is not told to the server',
    'on the server, but not wanted',
    withWire(create, () => ({
      send(text, { write, hand }) {
        if (!isRequest(text, 'unsubscribe')) write(text);
        else queueMicrotask(() => hand(accept(text)));
      },
    })),
  ],
  [
    'a request is written twice',
    'two requests of a channel in flight',
    withWire(create, () => ({
      send(text, { write }) {
        write(text);
        if (isRequest(text, 'subscribe')) write(text.replace('"id":"', '"id":"twin'));
      },
    })),
  ],
  [
    'a refusal that says when to come back is not tried again',
    'a refusal that passes is final',
    withChannel(
      withWire(create, () => ({
        receive: (text, { hand }) =>
          hand(text.replaceAll('RATE_LIMIT', 'PLANTED').replaceAll(/,"retryAfterMs":\d+/g, '')),
      })),
      (channel) => ({
        subscribe: async () =>
          channel.subscribe().catch((error: { readonly code?: string }) => {
            throw error.code === 'ERR_PLANTED' ? refusal('ERR_RATE_LIMIT') : error;
          }),
      }),
    ),
  ],
  [
    'onEnd() calls nobody',
    'an end that is not told',
    withChannel(create, () => ({ onEnd: () => () => {} })),
  ],
];

const events: readonly Planted[] = [
  [
    'an event is handed over twice',
    'an event twice',
    withChannel(create, (channel) => ({
      on: (name, handler) =>
        channel.on(name, (data, event) => {
          handler(data, event);
          return handler(data, event);
        }),
    })),
  ],
  [
    'the events of a moment are handed over from the last to the first',
    'an event out of order',
    withChannel(create, (channel) => ({
      on(name, handler) {
        const waiting: (() => unknown)[] = [];
        return channel.on(name, (data, event) => {
          waiting.unshift(() => handler(data, event));
          queueMicrotask(() => {
            for (const call of waiting.splice(0)) call();
          });
        });
      },
    })),
  ],
  [
    'every third event is lost',
    'an event lost',
    withChannel(create, (channel) => {
      let count = 0;
      return {
        on: (name, handler) =>
          channel.on(name, (data, event) => {
            count += 1;
            return count % 3 === 0 ? undefined : handler(data, event);
          }),
      };
    }),
  ],
  [
    'an event with an unknown op is handed over',
    'an event of no use',
    withWire(create, () => ({
      receive: (text, { hand }) => hand(text.replace(',"op":"append"', '')),
    })),
  ],
  [
    'send() tells another id than the event has',
    'an event of no use',
    withChannel(create, (channel) => ({
      send(...args) {
        const sent = channel.send(...args);
        return sent && Object.assign(sent, { id: 'other' });
      },
    })),
  ],
  [
    'a listener of events cannot be removed',
    'a call after its end',
    withChannel(create, (channel) => ({
      on(name, handler) {
        channel.on(name, handler);
        return () => {};
      },
    })),
  ],
];

const states: readonly Planted[] = [
  [
    'a listener of states cannot be removed',
    'a call after its end',
    withClient(create, (client) => ({
      onState(listener) {
        client.onState(listener);
        return () => {};
      },
    })),
  ],
  [
    'all listeners but the first miss a state',
    'states out of order',
    withClient(create, (client) => {
      let count = 0;
      return {
        onState(listener) {
          count += 1;
          if (count === 1) return client.onState(listener);
          return client.onState((state, reason) => state === 'waiting' || listener(state, reason));
        },
      };
    }),
  ],
  [
    'a state is told twice',
    'an impossible state',
    withClient(create, (client) => ({
      onState: (listener) =>
        client.onState((state, reason) => {
          listener(state, reason);
          if (state === 'connected') listener(state, reason);
        }),
    })),
  ],
  [
    'nobody is told of failures',
    'failures in silence',
    withClient(
      (options) => {
        Object.assign(console, { warn: () => {} });
        return create(options);
      },
      () => ({ onRefused: () => () => {} }),
    ),
  ],
  [
    'it never notices that it is connected',
    'no way back',
    withWire(create, () => ({ deafTo: 'open' })),
  ],
  [
    'it tries again without a wait',
    'a storm',
    (options) => {
      Object.assign(Math, { random: () => 0 });
      return create(options);
    },
  ],
  [
    'it pings a hundred times',
    'a storm',
    withWire(create, () => ({
      send(text, { write }) {
        write(text);
        if (!isRequest(text, 'subscribe')) return;
        for (let count = 0; count < 100; count += 1) write('{"action":"ping"}');
      },
    })),
  ],
  [
    'it cannot read a text that is not JSON',
    'an uncaught exception',
    withWire(create, () => ({
      receive: (text, { hand }) => hand(JSON.stringify(JSON.parse(text))),
    })),
  ],
];

const connections: readonly Planted[] = [
  [
    'a silent connection seems to answer',
    'a silent connection is kept',
    withWire(create, () => ({
      send(text, { write, hand }) {
        if (text !== '{"action":"ping"}') write(text);
        else queueMicrotask(() => hand('{"type":"pong"}'));
      },
    })),
  ],
  [
    'it pings every 30 s',
    'pings without need',
    (options) => create({ keepAliveMs: 30_000, ...options }),
  ],
  ['nothing happens when the network is back', 'a wake-up without effect', deafTo(['online'])],
  [
    'the connection stays when the page is left',
    'a connection of a hidden page',
    deafTo(['pagehide']),
  ],
  [
    'it comes back sooner than the server wants',
    'a farewell is not heeded',
    withWire(create, () => ({
      receive: (text, { hand }) => hand(text.replace(/,"afterMs":\d+/, '')),
    })),
  ],
  [
    'it comes back although the server does not want it',
    'a farewell is not heeded',
    withWire(create, () => ({
      receive: (text, { hand }) => hand(text.replace('"reconnect":false', '"reconnect":true')),
    })),
  ],
];

const endings: readonly Planted[] = [
  [
    'a timer runs on',
    'something is left running',
    (options) => {
      setInterval(() => {}, 60_000);
      return create(options);
    },
  ],
  [
    'a listener of the page is left',
    'something is left running',
    (options) => {
      globalThis.addEventListener?.('online', () => {});
      return create(options);
    },
  ],
  [
    'a WebSocket is not closed',
    'something is left running',
    withWire(create, () => ({ close: () => {} })),
  ],
  [
    'a WebSocket without an answer is not terminated',
    'something is left running',
    (options) => {
      const original = options.WebSocket as WebSocketConstructor;
      const stubborn = class extends original {
        override terminate(): void {}
      };
      return create({ ...options, WebSocket: stubborn });
    },
  ],
  [
    'there is a handshake after close()',
    'something is left running',
    (options) =>
      withClient(create, (client) => ({
        close() {
          client.close();
          const original = options.WebSocket as WebSocketConstructor;
          queueMicrotask(() => new original(String(options.url), []).close());
        },
      }))(options),
  ],
  [
    'a frame is written after the WebSocket was closed',
    'a frame at a bad time',
    withWire(create, () => ({
      close({ end, write, isOpen }) {
        const wasOpen = isOpen();
        end();
        if (wasOpen) write('{"action":"ping"}');
      },
    })),
  ],
];

const all = { promises, messages, subscriptions, events, states, connections, endings };

describe.each(Object.entries(all))('a fault of %s', (_subject, planted) => {
  it.each([...planted])('is noticed: %s', async (_fault, rule, client) => {
    const broken = new Set<Kind>();
    for (let seed = 1; seed <= LIVES && !broken.has(rule); seed += 1) {
      const { violation } = await simulate(drawPlan(seed), client);
      if (violation) broken.add(violation.kind);
    }
    expect([...broken]).toContain(rule);
  });
});

it('has a fault for every rule', () => {
  const planted = new Set(Object.values(all).flatMap((list) => list.map(([, rule]) => rule)));
  expect(kinds.filter((kind) => !planted.has(kind))).toEqual([]);
});
