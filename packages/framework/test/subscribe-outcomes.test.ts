import {
  type AccessRule,
  type ChannelType,
  ClientError,
  defineChannel,
  memoryStore,
  type Plugin,
  type Store,
  type SubscribeContext,
  type UnsubscribeContext,
} from '@gatecast/framework';
import {
  createTestApp,
  makeDisconnectEvent,
  makeMessageEvent,
  type TestConnection,
} from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { listen, outcomeOf } from './heard.js';

interface Behaviour {
  rule: (ctx: Parameters<Exclude<AccessRule, string>>[0]) => unknown;
  enter: (ctx: SubscribeContext) => unknown;
  plugin: NonNullable<Plugin['onSubscribe']>;
}

const harmless: Behaviour = {
  rule: () => true,
  enter: () => undefined,
  plugin: (_ctx, next) => next(),
};

/** Rooms with a given rule, handler and plugin, and the list of `@OnUnsubscribe` calls. */
function makeRooms(store: Store = memoryStore(), hasClass = true) {
  const ear = listen();
  const now: Behaviour = { ...harmless };
  const log: string[] = [];
  const rooms = defineChannel('rooms/:roomId', {
    access: (ctx) => (ctx.params.roomId === 'other' ? true : now.rule(ctx)) as boolean,
    onSubscribe: async (ctx) => {
      const data = ctx.params.roomId === 'other' ? undefined : await now.enter(ctx);
      log.push(`${ctx.channel.name} ${ctx.isRepeated ? 'again' : 'in'}`);
      return data;
    },
    onUnsubscribe: ({ channel, cause }: UnsubscribeContext) => {
      log.push(`${channel.name} ${cause}`);
    },
  });
  const lobby = defineChannel('lobby');
  const app = createTestApp({
    channels: hasClass ? [rooms, lobby] : [lobby],
    store,
    plugins: [ear.plugin, { name: 'p', onSubscribe: (ctx, next) => now.plugin(ctx, next) }],
  });
  const publish = (name: string) => app.app.channel<ChannelType>(name).publish('x', {});
  return { app, ear, now, log, publish };
}

const subscribeFrame = (...channels: unknown[]) => ({ action: 'subscribe', id: 's', channels });
const unsubscribeFrame = (...channels: unknown[]) => ({ action: 'unsubscribe', id: 'u', channels });
async function codesOf(client: TestConnection, frame: object): Promise<unknown> {
  const data = outcomeOf(await client.sendFrame(frame));
  if (typeof data === 'string') return data;
  const { channels } = data as { channels: { error?: { code: string }; result?: string }[] };
  return channels.map(({ error, result }) => error?.code ?? result ?? 'left');
}

const throwing = (error: unknown) => () => {
  throw error;
};
const full = () => new ClientError('ERR_ROOM_FULL', 'The room is full.');
const unknown = () => new ClientError('ERR_CONNECTION_UNKNOWN', 'Not known.');
const refusals: [string, Partial<Behaviour>, string][] = [
  ['the rule says no', { rule: () => false }, 'ERR_FORBIDDEN'],
  ['the rule refuses', { rule: throwing(full()) }, 'ERR_ROOM_FULL'],
  ['the rule fails', { rule: throwing(new Error('down')) }, 'ERR_INTERNAL'],
  ['the rule throws nothing', { rule: throwing(undefined) }, 'ERR_INTERNAL'],
  ['the rule rejects with null', { rule: () => Promise.reject(null) }, 'ERR_INTERNAL'],
  ['the handler refuses', { enter: throwing(full()) }, 'ERR_ROOM_FULL'],
  ['the handler fails', { enter: throwing(new Error('down')) }, 'ERR_INTERNAL'],
  ['the handler throws nothing', { enter: throwing(undefined) }, 'ERR_INTERNAL'],
  ['JSON cannot express the snapshot', { enter: () => ({ n: 1n }) }, 'ERR_INTERNAL'],
  ['the snapshot is too large', { enter: () => 'x'.repeat(33_000) }, 'ERR_INTERNAL'],
  ['a plugin never calls next()', { plugin: () => undefined }, 'ERR_FORBIDDEN'],
  ['a plugin refuses before next()', { plugin: throwing(full()) }, 'ERR_ROOM_FULL'],
  [
    'a plugin refuses after next()',
    {
      plugin: async (_ctx, next) => {
        await next();
        throw full();
      },
    },
    'ERR_ROOM_FULL',
  ],
  [
    'a plugin swallows the refusal of the handler',
    {
      enter: throwing(full()),
      plugin: (_ctx, next) => next().catch(() => undefined),
    },
    'ERR_FORBIDDEN',
  ],
];
const wholeFrame: [string, Partial<Behaviour>, string][] = [
  [
    'the rule says that the connection is unknown',
    { rule: throwing(unknown()) },
    'ERR_CONNECTION_UNKNOWN',
  ],
  ['the handler says so', { enter: throwing(unknown()) }, 'ERR_CONNECTION_UNKNOWN'],
];

describe('A2 a member that is refused', () => {
  it.each(refusals)('A2 is no longer a member: %s', async (_how, change, code) => {
    for (const others of [[], ['rooms/other']]) {
      const { app, now, log, publish } = makeRooms();
      const ann = await app.connect();
      await ann.subscribe('rooms/1', ...others);
      Object.assign(now, change);
      if (now.plugin !== harmless.plugin) {
        const { plugin } = now;
        now.plugin = (ctx, next) =>
          ctx.params.roomId === 'other' ? harmless.plugin(ctx, next) : plugin(ctx, next);
      }
      log.length = 0;
      const outcomes = await codesOf(ann, subscribeFrame('rooms/1', ...others));
      expect(outcomes).toEqual([code, ...others.map(() => 'live')]);
      expect(await app.store.connections.channels(ann.id)).toEqual(others);
      expect((await publish('rooms/1')).delivery).toEqual({ delivered: 0, gone: 0, failed: 0 });
      expect(ann.events).toEqual([]);
      expect(log.filter((line) => line === 'rooms/1 refused')).toHaveLength(1);
      expect(log.filter((line) => line.startsWith('rooms/other ref'))).toEqual([]);
    }
  });

  it.each(wholeFrame)(
    'A2 is not a member of any channel in the frame: %s',
    async (_how, change, code) => {
      const { app, now, log, publish } = makeRooms();
      const ann = await app.connect();
      await ann.subscribe('rooms/1', 'rooms/other', 'lobby');
      Object.assign(now, change);
      expect(await codesOf(ann, subscribeFrame('rooms/1', 'rooms/other'))).toBe(code);
      expect(await app.store.connections.channels(ann.id)).toEqual(['lobby']);
      for (const name of ['rooms/1', 'rooms/other']) await publish(name);
      expect(ann.events).toEqual([]);
      expect(log.filter((line) => line.endsWith('refused')).toSorted()).toEqual([
        'rooms/1 refused',
        'rooms/other refused',
      ]);
    },
  );

  it('A2 is no longer a member: a deployment has removed the class', async () => {
    const { app, publish } = makeRooms();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'lobby');
    const later = makeRooms(app.store, false);
    const link = makeLink(later.app, ann);
    expect(await link('subscribe', 'rooms/1')).toEqual(['ERR_CHANNEL_UNKNOWN']);
    await publish('rooms/1');
    expect(ann.events).toEqual([]);
    expect(await app.store.connections.channels(ann.id)).toEqual(['lobby']);
  });

  it.each([...refusals, ...wholeFrame])(
    'A2 does not become a member the first time: %s',
    async (_how, change, code) => {
      const { app, now, log } = makeRooms();
      const ann = await app.connect();
      Object.assign(now, change);
      const outcome = await codesOf(ann, subscribeFrame('rooms/1'));
      expect([outcome].flat()).toEqual([code]);
      expect(await app.store.connections.channels(ann.id)).toEqual([]);
      // The handlers run in pairs for any outcome.
      expect(log.filter((line) => line.endsWith('refused')).length).toBe(
        log.filter((line) => line.endsWith(' in')).length,
      );
    },
  );
});

/** Sends lists of channels of a connection to another deployment of the app. */
function makeLink({ app }: ReturnType<typeof makeRooms>['app'], { id }: TestConnection) {
  return async (action: string, ...channels: string[]) => {
    const body = JSON.stringify({ action, id: 'x', channels });
    const answer = await app.handler(makeMessageEvent({ connectionId: id, body }));
    const { data } = JSON.parse((answer as { body: string }).body);
    return data.channels.map((one: { error?: { code: string }; result?: string }) =>
      one.error ? one.error.code : (one.result ?? 'left'),
    );
  };
}

describe('B3 a subscription that ends while its handler is running', () => {
  const endings: [string, (rooms: ReturnType<typeof makeRooms>, ann: TestConnection) => unknown][] =
    [
      ['the connection ends', (_rooms, ann) => ann.disconnect()],
      ['the client unsubscribes', (_rooms, ann) => ann.sendFrame(unsubscribeFrame('rooms/1'))],
      ['the server ends it', ({ app }, ann) => app.app.connection(ann.id).unsubscribe('rooms/1')],
      ['the row is lost', ({ app }, ann) => app.store.connections.prune([ann.id])],
    ];
  const places = ['the handler', 'a plugin'] as const;

  it.each(endings.flatMap(([how, end]) => places.map((place) => [how, place, end] as const)))(
    'B3 runs the unsubscribe handler after that: %s, in %s',
    async (_how, place, end) => {
      const rooms = makeRooms();
      const { app, now, log, publish } = rooms;
      const ann = await app.connect();
      let isWaiting = false;
      let goOn = (): void => {};
      const wait = () =>
        new Promise<void>((resolve) => {
          isWaiting = true;
          goOn = resolve;
        });
      if (place === 'the handler') now.enter = () => wait().then(() => 'secret');
      else now.plugin = (_ctx, next) => next().then(wait);
      const answer = ann.sendFrame(subscribeFrame('rooms/1'));
      await vi.waitFor(() => expect(isWaiting).toBe(true));
      await end(rooms, ann);
      goOn();
      await answer;
      expect(log.at(-1)).toBe('rooms/1 refused');
      const reply = JSON.stringify(ann.received.filter(({ type }) => type === 'reply'));
      expect(reply).not.toContain('"live"');
      expect(reply).not.toContain('secret');
      await publish('rooms/1');
      expect(ann.events).toEqual([]);
    },
  );

  it('B3 is not live if only a plugin is running', async () => {
    const left: string[] = [];
    let end = (): Promise<unknown> => Promise.resolve();
    const app = createTestApp({
      channels: [defineChannel('lobby')],
      plugins: [
        listen().plugin,
        {
          name: 'presence',
          onSubscribe: (_ctx, next) => next().then(() => end()),
          onUnsubscribe: ({ cause }, next) => {
            left.push(cause);
            return next();
          },
        },
      ],
    });
    const ann = await app.connect();
    end = () => app.app.connection(ann.id).unsubscribe('lobby');
    expect(await codesOf(ann, subscribeFrame('lobby'))).toEqual(['ERR_REMOVED']);
    expect(left).toEqual(['server', 'refused']);
  });
});

describe('B4 subscribe and unsubscribe handlers', () => {
  it('B4 run in pairs, for any requests and refusals', async () => {
    const step = fc.record({
      what: fc.constantFrom('subscribe', 'unsubscribe'),
      channels: fc.array(
        fc.constantFrom('rooms/1', 'rooms/2', 'rooms/other', 'lobby', 'no such', '!'.repeat(900)),
        { minLength: 1, maxLength: 5 },
      ),
      refusal: fc.option(fc.integer({ min: 0, max: refusals.length + wholeFrame.length - 1 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const { app, now, log } = makeRooms();
        const ann = await app.connect();
        for (const { what, channels, refusal } of steps) {
          const change = refusal === null ? {} : [...refusals, ...wholeFrame][refusal]?.[1];
          Object.assign(now, harmless, change);
          await ann.sendFrame({ action: what, id: 'x', channels });
          expect(online(log).toSorted()).toEqual(
            (await app.store.connections.channels(ann.id))
              .filter((name) => name !== 'lobby')
              .toSorted(),
          );
        }
        await ann.disconnect();
        expect(online(log)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  // The members of a room, as its two handlers would count them.
  function online(log: readonly string[]): string[] {
    const count = new Map<string, number>();
    for (const line of log) {
      const [name = '', what] = line.split(' ');
      if (what === 'again') continue;
      count.set(name, (count.get(name) ?? 0) + (what === 'in' ? 1 : -1));
    }
    for (const value of count.values()) expect([0, 1]).toContain(value);
    return [...count].filter(([, value]) => value === 1).map(([name]) => name);
  }

  it.each(['subscribe', 'unsubscribe'])(
    'B4 names of any length and script fit into the answer to %s',
    async (action) => {
      const text = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc
          .constantFrom('\ud800', '"', '\\', '\0', 'é', '漢', '😀', 'x')
          .chain((unit) => fc.nat(650).map((length) => unit.repeat(length))),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(text, { minLength: 40, maxLength: 50 }), async (names) => {
          const { app, log } = makeRooms();
          const ann = await app.connect();
          await ann.subscribe('rooms/1');
          const frame = { action, id: 'x', channels: [...names, 'rooms/1'].slice(-50) };
          const outcomes = await codesOf(ann, frame);
          expect(outcomes).not.toContain('ERR_INTERNAL');
          expect([outcomes].flat().at(-1)).toBe(action === 'subscribe' ? 'live' : 'left');
          expect(log.filter((line) => line.endsWith(' in'))).toHaveLength(1);
        }),
        { numRuns: 40 },
      );
      const half = Array.from({ length: 50 }, (_, n) => `${n}`.padEnd(80, '\ud800'));
      const ann = await makeRooms().app.connect();
      expect(await codesOf(ann, { action, id: 'x', channels: half })).toEqual(
        half.map(() => 'ERR_CHANNEL_NAME'),
      );
    },
  );

  it('B4 distinguish the first time from a repetition', async () => {
    const { app, now, log } = makeRooms();
    const ann = await app.connect();
    const repeated: boolean[] = [];
    now.enter = ({ isRepeated }) => void repeated.push(isRepeated);
    await ann.subscribe('rooms/1');
    await ann.subscribe('rooms/1');
    await ann.sendFrame(unsubscribeFrame('rooms/1'));
    await ann.subscribe('rooms/1');
    expect(repeated).toEqual([false, true, false]);
    expect(log.filter((line) => line.endsWith('unsubscribe'))).toHaveLength(1);
  });
});

describe('B8 the undoing of a refused subscription', () => {
  it.each(refusals)('B8 that fails does not hide the refusal: %s', async (_how, change, code) => {
    const store = memoryStore();
    const failure = new Error('The store is down.');
    vi.spyOn(store.connections, 'unsubscribe').mockRejectedValue(failure);
    const { app, now, ear } = makeRooms(store);
    const ann = await app.connect();
    Object.assign(now, change);
    expect(await codesOf(ann, subscribeFrame('rooms/1', 'rooms/other'))).toContain(code);
    expect(ear.errors).toContain(failure);
    expect(ear.errors).toHaveLength(2);
  });
});

describe('B9 a value that JSON cannot express', () => {
  const values: [string, () => unknown][] = [
    ['a bigint', () => ({ n: 1n })],
    [
      'a cycle',
      () => {
        const ring: Record<string, unknown> = {};
        return Object.assign(ring, { ring });
      },
    ],
    ['a toJSON that throws', () => ({ toJSON: throwing(new Error('no')) })],
    ['a toJSON that throws nothing', () => ({ toJSON: throwing(null) })],
  ];

  it.each(values)(
    'B9 in the details of one channel fails only that channel: %s',
    async (_what, make) => {
      const { app, now } = makeRooms();
      const ann = await app.connect();
      now.enter = throwing(new ClientError('ERR_X', 'x', { details: make() }));
      expect(await codesOf(ann, subscribeFrame('rooms/other', 'rooms/1', 'lobby'))).toEqual([
        'live',
        'ERR_X',
        'live',
      ]);
      expect(await app.store.connections.channels(ann.id)).toEqual(['rooms/other', 'lobby']);
    },
  );

  it.each(values)('B9 in a snapshot fails that channel, with its name: %s', async (_what, make) => {
    const { app, now, ear } = makeRooms();
    const ann = await app.connect();
    now.enter = make;
    expect(await codesOf(ann, subscribeFrame('rooms/other', 'rooms/1'))).toEqual([
      'live',
      'ERR_INTERNAL',
    ]);
    expect(ear.errors).toMatchObject([
      { code: 'ERR_REPLY_DATA', message: expect.stringContaining('rooms/1') },
    ]);
  });

  it.each(values)(
    'B9 in a reply or its details is reported with the route: %s',
    async (_what, make) => {
      const ear = listen();
      const room = defineChannel('room', {
        messages: ({ message }) => ({
          reply: message(make),
          refuse: message(() => {
            throw new ClientError('ERR_X', 'x', { details: make() });
          }),
        }),
      });
      const ann = await createTestApp({ channels: [room], plugins: [ear.plugin] }).connect();
      expect(outcomeOf(await ann.send('room.reply', 'room'))).toBe('ERR_INTERNAL');
      expect(ear.errors).toMatchObject([
        { code: 'ERR_REPLY_DATA', message: expect.stringContaining('room.reply') },
      ]);
      expect(await ann.send('room.refuse', 'room')).toMatchObject({ error: { code: 'ERR_X' } });
    },
  );
});

describe('B10 a channel whose class a deployment removed', () => {
  it('B10 can be left, by the client and by the server', async () => {
    const { app, log } = makeRooms();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'rooms/2', 'lobby');
    const later = makeRooms(app.store, false);
    expect(await makeLink(later.app, ann)('unsubscribe', 'rooms/1', 'lobby')).toEqual([
      'left',
      'left',
    ]);
    expect(await later.app.app.connection(ann.id).unsubscribe('rooms/2')).toBe(true);
    expect(await app.store.connections.channels(ann.id)).toEqual([]);
    expect(log.filter((line) => line.endsWith('unsubscribe'))).toEqual([]);
    expect(later.ear.errors).toEqual([]);
  });

  it('B10 does not disturb other handlers at the end of the connection', async () => {
    const ended: unknown[] = [];
    const { app } = makeRooms();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'lobby');
    const lobby = defineChannel('lobby', {
      onUnsubscribe: ({ cause }) => void ended.push(cause),
      onDisconnect: ({ channels }) => void ended.push([...channels].toSorted()),
    });
    const later = createTestApp({ channels: [lobby], store: app.store });
    await later.app.handler(makeDisconnectEvent({ connectionId: ann.id }));
    expect(ended).toEqual(['disconnect', ['lobby', 'rooms/1']]);
  });
});
