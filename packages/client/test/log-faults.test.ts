// Each rule of the simulation of logs can fail: a client with one fault planted in it breaks that rule.
import { describe, expect, it } from 'vitest';
import { createClient, type WebSocketConstructor } from '../src/index.js';
import type {
  CreateLogClient,
  LogChannel,
  LogEvent,
  PositionStorage,
} from './log-simulation/client-under-test.js';
import { drawLogPlan, type Span } from './log-simulation/plan.js';
import { simulateLog } from './log-simulation/simulate.js';
import { type LogKind, logKinds } from './log-simulation/world.js';
import { isMessage, withWire } from './simulation/tampering.js';

/** A fault, the rule that it breaks, and in which lives. */
type Planted = readonly [fault: string, rule: LogKind, client: CreateLogClient, span?: Span];

/** In how many lives a fault must show. */
const LIVES = 2_000;

const create: CreateLogClient = createClient;

/** A client with channels of which something is replaced. */
function withChannel(change: (channel: LogChannel) => Partial<LogChannel>): CreateLogClient {
  return (options) => {
    const client = create(options);
    return {
      get state() {
        return client.state;
      },
      onState: (listener) => client.onState(listener),
      onRefused: (listener) => client.onRefused(listener),
      close: () => client.close(),
      channel(name) {
        const channel = client.channel(name);
        const rest: LogChannel = {
          get position() {
            return channel.position;
          },
          subscribe: (how) => channel.subscribe(how),
          unsubscribe: () => channel.unsubscribe(),
          send: (message, data) => channel.send(message, data),
          history: (range) => channel.history(range),
          on: (event, handler) => channel.on(event, handler),
          onReset: (listener) => channel.onReset(listener),
          onEnd: (listener) => channel.onEnd(listener),
        };
        return Object.defineProperties(rest, Object.getOwnPropertyDescriptors(change(channel)));
      },
    };
  };
}

/** A client that hears something else than the server says. */
function hearing(change: (text: string) => string): CreateLogClient {
  return withWire(create, () => ({ receive: (text, { hand }) => hand(change(text)) }));
}

type Socket = InstanceType<WebSocketConstructor>;

/** A client that does something with its previous WebSocket before it opens one, and when it has. */
function afterAnother(
  before: (previous: Socket | undefined) => void,
  then: (previous: Socket | undefined, opened: Socket) => void = () => {},
): CreateLogClient {
  return (options) => {
    const opened: Socket[] = [];
    const WebSocket = class extends (options.WebSocket as WebSocketConstructor) {
      constructor(url: string, protocols: string[]) {
        before(opened.at(-1));
        super(url, protocols);
        then(opened.at(-1), this);
        opened.push(this);
      }
    };
    return create({ ...options, WebSocket });
  };
}

/** A client whose storage does something else. */
function storing(change: (storage: PositionStorage) => Partial<PositionStorage>): CreateLogClient {
  return ({ storage, ...options }) => {
    if (!storage) return create(options);
    const changed = (): PositionStorage => {
      const original = storage();
      return {
        getItem: (key) => original.getItem(key),
        setItem: (key, value) => original.setItem(key, value),
        removeItem: (key) => original.removeItem(key),
        ...change(original),
      };
    };
    return create({ ...options, storage: changed });
  };
}

async function never(): Promise<never> {
  return new Promise<never>(() => {});
}

const events: readonly Planted[] = [
  [
    'an event is handed over twice',
    'an event twice',
    withChannel((channel) => ({
      on: (name, handler) =>
        channel.on(name, (data, event) => {
          handler(data, event);
          return handler(data, event);
        }),
    })),
  ],
  [
    'a listener hears of an event before those that came before it',
    'an event out of order',
    withChannel((channel) => {
      const handlers: ((data: unknown, event: LogEvent) => unknown)[] = [];
      return {
        on(name, handler) {
          handlers.unshift(handler);
          if (handlers.length > 1) return () => {};
          return channel.on(name, (data, event) => {
            for (const each of handlers) each(data, event);
          });
        },
      };
    }),
  ],
  [
    'a reset is told to nobody',
    'a gap that nobody told',
    withChannel(() => ({ position: undefined, onReset: () => () => {} })),
  ],
  [
    'events are not compared with those before them',
    'a gap that nobody told',
    hearing((text) => text.replaceAll(/,"prev":"[^"]*"/g, '')),
  ],
  [
    'every other event without a position is lost',
    'an event lost',
    withChannel((channel) => {
      let count = 0;
      return {
        on: (name, handler) =>
          channel.on(name, (data, event) => {
            if (event.position === undefined) count += 1;
            return count % 2 === 1 ? undefined : handler(data, event);
          }),
      };
    }),
  ],
  [
    'only one listener is called',
    'an event lost',
    withChannel((channel) => {
      let isHeard = false;
      return {
        on(name, handler) {
          if (isHeard) return () => {};
          isHeard = true;
          return channel.on(name, handler);
        },
      };
    }),
  ],
  [
    'an event with an unknown op is handed over',
    'an event of no use',
    hearing((text) => text.replaceAll(',"op":"append"', '')),
  ],
  [
    'leaving takes half a second',
    'an event after leaving',
    withChannel((channel) => ({
      unsubscribe: async () =>
        new Promise((resolve, reject) => {
          setTimeout(() => {
            channel.unsubscribe().then(resolve, reject);
          }, 500);
        }),
    })),
  ],
  [
    'what a handler does hands the next event over',
    'an event within a handler',
    withChannel((channel) => {
      const waiting: (() => unknown)[] = [];
      const flush = (): void => {
        for (let call = waiting.shift(); call; call = waiting.shift()) call();
      };
      return {
        position: undefined,
        on: (name, handler) =>
          channel.on(name, (data, event) => {
            waiting.push(() => handler(data, event));
            queueMicrotask(flush);
          }),
        async history(range) {
          flush();
          return channel.history(range);
        },
      };
    }),
  ],
  [
    'a listener cannot be removed',
    'a call after its end',
    withChannel((channel) => ({
      on(name, handler) {
        channel.on(name, handler);
        return () => {};
      },
    })),
  ],
];

const completeness: readonly Planted[] = [
  [
    'what sync finds is not asked for',
    'not everything came',
    hearing((text) => text.replaceAll('"result":"behind"', '"result":"current"')),
  ],
  [
    'a position that is of no use is kept',
    'not everything came',
    hearing((text) => text.replaceAll('"result":"resubscribe"', '"result":"current"')),
  ],
  [
    'a subscription that the server has lost is not made again',
    'not everything came',
    hearing((text) => text.replaceAll('"result":"not-subscribed"', '"result":"current"')),
  ],
  [
    'the tail is not checked',
    'not everything came',
    hearing((text) => text.replaceAll(/,"tailCheck":\{[^}]*\}/g, '')),
  ],
  [
    'gaps are not filled',
    'not everything came',
    withWire(create, () => ({
      send: (text, { write }) => text.includes('"after"') || write(text),
    })),
  ],
];

const positions: readonly Planted[] = [
  [
    'an event is handed over later than its position',
    'a position ahead of the handlers',
    withChannel((channel) => ({
      on: (name, handler) =>
        channel.on(name, (data, event) => {
          setTimeout(() => handler(data, event), 1);
        }),
    })),
  ],
  [
    'the position is that of the event before the last',
    'a wrong position',
    withChannel((channel) => {
      const handed: (string | undefined)[] = [];
      channel.on('message', (_data, { position }) => handed.push(position));
      return {
        get position() {
          return handed.at(-2) ?? channel.position;
        },
      };
    }),
  ],
  [
    'the storage has the position before the last',
    'a wrong position',
    storing((storage) => ({
      setItem(key, value) {
        if (Number(value.split(':')[1]) % 2 === 0) storage.setItem(key, value);
      },
    })),
  ],
  [
    'the storage keeps what is to be forgotten',
    'a position that is not forgotten',
    storing(() => ({ removeItem: () => {} })),
  ],
];

const answers: readonly Planted[] = [
  [
    'a reset is told twice',
    'a reset without a reason',
    withChannel((channel) => ({
      onReset: (listener) =>
        channel.onReset((reset) => {
          listener(reset);
          return listener(reset);
        }),
    })),
  ],
  [
    'it comes back without its position',
    'a reset without a reason',
    withWire(create, () => ({
      send(text, { write }) {
        const isAgain = text.startsWith('{"action":"subscribe"');
        write(isAgain ? text.replaceAll(/,"position":"[^"]*"/g, '') : text);
      },
    })),
  ],
  [
    'a channel without history says nothing of a lost connection',
    'a reset that is not told',
    withChannel((channel) => ({
      onReset: (listener) =>
        channel.onReset((reset) => (reset.reason === 'no-history' ? undefined : listener(reset))),
    })),
  ],
  [
    'subscribe() always says live',
    'a wrong answer',
    withChannel((channel) => ({
      subscribe: async (how) => ({ ...(await channel.subscribe(how)), result: 'live' }),
    })),
  ],
  [
    'history() has the last event first',
    'a wrong answer',
    withChannel((channel) => ({
      async history(range) {
        const page = await channel.history(range);
        return { ...page, events: page.events.toReversed() };
      },
    })),
  ],
  [
    'subscribe() is never answered',
    'an answer comes too late',
    withChannel((channel) => ({
      async subscribe(how) {
        await channel.subscribe(how);
        return never();
      },
    })),
  ],
  [
    'send() is never settled',
    'an answer comes too late',
    withChannel((channel) => ({
      async send(message, data) {
        await channel.send(message, data);
        return never();
      },
    })),
  ],
  [
    'a message goes again under another id',
    'a message twice',
    withWire(create, () => ({
      send: (text, { write }) =>
        write(text.includes('"attempt"') ? text.replace('"id":"', '"id":"again') : text),
      receive: (text, { hand }) => hand(text.replace('"id":"again', '"id":"')),
    })),
  ],
  [
    'a message is answered that was not sent',
    'a message lost',
    withWire(create, () => ({
      send(text, { write, hand }) {
        if (!isMessage(text)) {
          write(text);
          return;
        }
        const { id, data } = JSON.parse(text) as { id: string; data: { n: number } };
        const reply = { type: 'reply', id, data: { echo: data.n } };
        queueMicrotask(() => hand(JSON.stringify(reply)));
      },
    })),
  ],
  [
    'every other message is held back',
    'messages out of order',
    withChannel((channel) => {
      let count = 0;
      return {
        async send(message, data) {
          count += 1;
          if (count % 2 === 1) {
            await new Promise<void>((resolve) => {
              setTimeout(resolve, 5);
            });
          }
          return channel.send(message, data);
        },
      };
    }),
  ],
];

const connections: readonly Planted[] = [
  [
    'there is never a second connection',
    'a hand-over that is seen',
    afterAnother((first) => {
      if (first?.readyState === 1) throw new Error('Planted.');
    }),
    'hours',
  ],
  [
    'the first connection ends before there is a second',
    'a hand-over that is seen',
    afterAnother((first) => first?.close(1000)),
    'hours',
  ],
  [
    'the first connection ends as soon as there is a second',
    'an event lost',
    afterAnother(
      () => {},
      (first, second) => second.addEventListener('open', () => first?.close(1000)),
    ),
    'hours',
  ],
  [
    'every third event takes three seconds',
    'a request of no need',
    withWire(create, () => {
      let count = 0;
      return {
        receive(text, { hand }) {
          count += text.startsWith('{"type":"event"') ? 1 : 0;
          if (count % 3 === 1) setTimeout(() => hand(text), 3_000);
          else hand(text);
        },
      };
    }),
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
  [
    'a promise that nobody sees is rejected',
    'an unhandled rejection',
    withChannel((channel) => ({
      async subscribe(how) {
        const answer = channel.subscribe(how);
        void answer.finally(() => {});
        return answer;
      },
    })),
  ],
  [
    'it cannot read an error of API Gateway',
    'an uncaught exception',
    withWire(create, () => ({
      receive(text, { hand }) {
        if (text.startsWith('{"message"')) throw new TypeError('Planted.');
        hand(text);
      },
    })),
  ],
];

const all = { events, completeness, positions, answers, connections };

describe.each(Object.entries(all))('a fault of %s', (_subject, planted) => {
  it.each(planted.map((one) => [...one]))('is noticed: %s', async (...one) => {
    const [_fault, rule, client, span = 'minutes'] = one as unknown as Planted;
    const broken = new Set<LogKind>();
    for (let seed = 1; seed <= LIVES && !broken.has(rule); seed += 1) {
      const { violation } = await simulateLog(drawLogPlan(seed, span), client);
      if (violation) broken.add(violation.kind);
    }
    expect([...broken]).toContain(rule);
  });
});

it('has a fault for every rule', () => {
  const planted = new Set(Object.values(all).flatMap((list) => list.map(([, rule]) => rule)));
  expect(logKinds.filter((kind) => !planted.has(kind))).toEqual([]);
});
