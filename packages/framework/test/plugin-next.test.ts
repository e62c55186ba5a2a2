import {
  createApp,
  defineChannel,
  type ErrorContext,
  event,
  type Gateway,
  memoryStore,
  type Plugin,
} from '@gatecast/framework';
import { pause } from '@gatecast/framework/adapter';
import { logger } from '@gatecast/framework/plugins/logger';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventOf, gatewayWith } from './lambda.js';

const unhandled = vi.fn();
beforeEach(() => {
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
});
afterEach(async () => {
  // Node reports unhandled rejections after the microtasks of a turn.
  await pause(5);
  process.off('unhandledRejection', unhandled);
  if (unhandled.mock.calls.length > 0) throw new Error('There was an unhandled rejection.');
});

type Hook = (ctx: object, next: () => Promise<void>) => unknown;

/** The work that a hook wraps: it is slow, or fails at once, or fails after a while. */
type Inner = 'slow' | 'fails' | 'fails late';

const HOOKS = [
  'onFrame',
  'onConnect',
  'onSubscribe',
  'onUnsubscribe',
  'onMessage',
  'onPublish',
  'onDeliver',
  'onDisconnect',
] as const;
type HookName = (typeof HOOKS)[number];

/** An app with one hook. `run` triggers the hook once. */
async function makeApp(name: HookName, hook: Hook, inner: Inner = 'slow') {
  const steps: string[] = [];
  const errors: { error: unknown; ctx: ErrorContext }[] = [];
  const work = async (): Promise<void> => {
    steps.push('begun');
    if (inner === 'fails') throw new Error('planted');
    await pause(10);
    if (inner === 'fails late') throw new Error('planted');
    steps.push('ended');
  };
  const isInner = (...names: HookName[]) => names.includes(name);
  const post: Gateway['post'] = async () => {
    if (isInner('onPublish', 'onDeliver')) await work();
    return { result: 'delivered' };
  };
  let isOpen = false;
  const rooms = defineChannel('rooms/:id', {
    access: 'public',
    events: { x: event<number>() },
    onConnect: () => (isInner('onConnect') && isOpen ? work() : undefined),
    onSubscribe: () => (isInner('onSubscribe') && isOpen ? work() : undefined),
    onUnsubscribe: () => (isInner('onUnsubscribe') ? work() : undefined),
    onDisconnect: () => (isInner('onDisconnect') ? work() : undefined),
    messages: ({ message }) => ({
      say: message(async (_data, ctx) => {
        if (isInner('onPublish', 'onDeliver')) await ctx.channel.publish('x', 1);
        else await work();
        return 'said';
      }),
    }),
  });
  const store = memoryStore();
  const plugin: Plugin = {
    name: 'p',
    [name]: (ctx: object, next: () => Promise<void>) => (isOpen ? hook(ctx, next) : next()),
    onError: (error, ctx) => errors.push({ error, ctx }),
  };
  const app = createApp({
    channels: [rooms],
    store,
    gateway: gatewayWith({ post }),
    plugins: [plugin],
  });
  await app.handler(eventOf.connect('c1'));
  await app.handler(eventOf.subscribe('c1', 'rooms/1'));
  isOpen = true;
  const events: Record<HookName, object> = {
    onFrame: eventOf.message('c1', 'rooms.say'),
    onConnect: eventOf.connect('new'),
    onSubscribe: eventOf.subscribe('c1', 'rooms/2'),
    onUnsubscribe: eventOf.unsubscribe('c1', 'rooms/1'),
    onMessage: eventOf.message('c1', 'rooms.say'),
    onPublish: eventOf.message('c1', 'rooms.say'),
    onDeliver: eventOf.message('c1', 'rooms.say'),
    onDisconnect: eventOf.disconnect('c1'),
  };
  const run = async () => {
    const answer = await app.handler(events[name]);
    steps.push('answered');
    return JSON.stringify(answer);
  };
  return { run, steps, errors, store };
}

const codesOf = (errors: readonly { error: unknown }[]): unknown[] =>
  errors.map(({ error }) => (error as { code?: unknown }).code);

/** The refusal that the client gets; none if a connection or a subscription has ended. */
const REFUSED: Record<HookName, RegExp> = {
  onFrame: /ERR_INTERNAL/,
  onConnect: /"statusCode":500/,
  onSubscribe: /ERR_INTERNAL/,
  onUnsubscribe: /"reply/,
  onMessage: /ERR_INTERNAL/,
  onPublish: /ERR_INTERNAL/,
  onDeliver: /ERR_INTERNAL/,
  onDisconnect: /"statusCode":200/,
};

const careless: [string, Hook][] = [
  [
    'not awaited',
    (_ctx, next) => {
      void next();
    },
  ],
  [
    'not awaited in an async hook',
    async (_ctx, next) => {
      void next();
      await pause(1);
    },
  ],
  [
    'not awaited, and the hook takes longer',
    async (_ctx, next) => {
      void next();
      await pause(40);
    },
  ],
  [
    'not awaited, followed by other work',
    (_ctx, next) => {
      void next().then(() => pause(1));
    },
  ],
  [
    'not awaited, and the hook returns something else',
    (_ctx, next) => {
      void next();
      return { done: true };
    },
  ],
];

describe.each(HOOKS)('D1 %s', (name) => {
  it.each(careless)('D1 next() that is %s', async (_how, hook) => {
    const { run, steps, errors } = await makeApp(name, hook);
    expect(await run()).toMatch(REFUSED[name]);
    expect(steps).toEqual(['begun', 'ended', 'answered']);
    expect(codesOf(errors)).toEqual(['ERR_PLUGIN_NEXT_NOT_AWAITED']);
    expect(errors[0]?.error).toMatchObject({
      message: `Plugin "p" did not await next() in ${name}.`,
    });
  });

  it.each(['fails', 'fails late'] as const)(
    'D1 next() that is not awaited and %s is reported, with the reason',
    async (inner) => {
      for (const [, hook] of careless) {
        const { run, steps, errors } = await makeApp(name, hook, inner);
        expect(await run()).toMatch(REFUSED[name]);
        expect(steps.at(-1)).toBe('answered');
        const messages = errors.map(
          ({ error }) => `${String(error)} ${String((error as Error).cause)}`,
        );
        expect(messages.filter((text) => text.includes('did not await next()'))).toHaveLength(1);
        expect(messages.join()).toContain('planted');
      }
    },
  );

  it.each<[string, Hook]>([
    [
      'awaited',
      async (_ctx, next) => {
        await next();
        await next();
      },
    ],
    [
      'not awaited',
      (_ctx, next) => {
        void next();
        void next();
      },
    ],
    ['side by side', (_ctx, next) => Promise.all([next(), next()])],
    [
      'with its error caught',
      async (_ctx, next) => {
        await next();
        await next().catch(() => undefined);
      },
    ],
  ])('D1 next() twice, %s, runs the wrapped work once', async (_how, hook) => {
    const { run, steps, errors } = await makeApp(name, hook);
    expect(await run()).toMatch(REFUSED[name]);
    expect(steps).toEqual(['begun', 'ended', 'answered']);
    expect(codesOf(errors)).toEqual(['ERR_PLUGIN_NEXT_TWICE']);
  });

  it('D1 next() is awaited even if the hook does not await it and throws', async () => {
    const { run, steps, errors } = await makeApp(name, (_ctx, next) => {
      void next();
      throw new Error('the hook');
    });
    expect(await run()).toMatch(REFUSED[name]);
    expect(steps).toEqual(['begun', 'ended', 'answered']);
    expect(errors).toMatchObject([{ error: { message: 'the hook' } }]);
  });

  it('D1 next() after the hook has returned runs nothing and is reported', async () => {
    const { run, steps, errors } = await makeApp(name, (_ctx, next) => {
      void pause(15).then(next);
    });
    await run();
    await vi.waitFor(() => expect(codesOf(errors)).toContain('ERR_PLUGIN_NEXT_NOT_AWAITED'));
    await pause(20);
    expect(steps).toEqual(['answered']);
  });

  it.each<[string, Hook]>([
    [
      'awaited',
      async (_ctx, next) => {
        await next();
      },
    ],
    ['returned', (_ctx, next) => next()],
    ['returned with others', (_ctx, next) => Promise.all([next(), pause(1)])],
    [
      'awaited later',
      async (_ctx, next) => {
        const going = next();
        await pause(1);
        await going;
      },
    ],
    ['followed', (_ctx, next) => next().finally(() => undefined)],
  ])('D1 next() that is %s is correct', async (_how, hook) => {
    const { run, steps, errors } = await makeApp(name, hook);
    expect(await run()).not.toMatch(/ERR_|"statusCode":[345]/);
    expect(steps).toEqual(['begun', 'ended', 'answered']);
    expect(errors).toEqual([]);
  });
});

describe('D1 a refusal because of a careless plugin', () => {
  it('D1 leaves no member behind', async () => {
    const { run, store } = await makeApp('onSubscribe', (_ctx, next) => void next());
    await run();
    expect(await store.connections.channels('c1')).toEqual(['rooms/1']);
  });

  it('D1 leaves no connection behind', async () => {
    const { run, store } = await makeApp('onConnect', (_ctx, next) => void next());
    await run();
    expect(await store.connections.get('new')).toBeUndefined();
  });

  it('D1 reaches earlier plugins as a refusal', async () => {
    const lines: string[] = [];
    const write = (_level: string, line: string) => lines.push(line);
    const stop = { name: 'stop', onFrame: () => undefined, onConnect: () => undefined };
    const app = createApp({
      channels: [defineChannel('rooms/:id', { access: 'public' })],
      store: memoryStore(),
      plugins: [logger({ level: 'info', write }), stop],
    });
    const action = 'x'.repeat(5_000);
    await app.handler(eventOf.frame('c1', { action, id: 'f1' }));
    await app.handler(eventOf.connect('c1'));
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { outcome: 'refused', error: { code: 'ERR_FORBIDDEN' } },
      { outcome: 'refused', error: { code: 'ERR_FORBIDDEN' } },
    ]);
    expect(lines.join('')).not.toContain('xxx');
  });
});
