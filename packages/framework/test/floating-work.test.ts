import {
  type App,
  type AppActions,
  type ConnectionStore,
  createApp,
  createPublisher,
  defineChannel,
  type ErrorContext,
  event,
  type Gateway,
  type MessageContext,
  memoryStore,
  type Plugin,
  type Store,
  StoreError,
} from '@gatecast/framework';
import { pause, type TimeLimit, withinTime } from '@gatecast/framework/adapter';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Draw, drawFrom } from '../src/testing/draw.js';
import { contextOf, eventOf, gatewayWith, never, storeWith } from './lambda.js';

const unhandled = vi.fn();
beforeEach(() => {
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
});
afterEach(() => {
  process.off('unhandledRejection', unhandled);
  vi.useRealTimers();
});

/** Node reports unhandled rejections after the microtasks of a turn. */
async function expectNoneUnhandled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).not.toHaveBeenCalled();
}

const sayTo = (handle: (ctx: MessageContext) => unknown) =>
  defineChannel('rooms/:id', {
    access: 'public',
    events: { x: event<unknown>() },
    messages: ({ message }) => ({
      say: message((_data, ctx) => handle(ctx as unknown as MessageContext)),
    }),
  });

function makeApp(handle: (ctx: MessageContext) => unknown, more: object = {}) {
  const errors: { error: unknown; ctx: ErrorContext }[] = [];
  const plugin: Plugin = { name: 'errors', onError: (error, ctx) => errors.push({ error, ctx }) };
  const app = createApp({
    channels: [sayTo(handle)],
    store: memoryStore(),
    gateway: gatewayWith(),
    plugins: [plugin],
    ...more,
  });
  const say = async () => {
    const { body = '' } = (await app.handler(eventOf.message('c1', 'rooms.say'))) as {
      body?: string;
    };
    return JSON.parse(body) as Record<string, unknown>;
  };
  return { app, errors, say };
}

async function open(app: App, id: string, ...channels: string[]): Promise<void> {
  await app.handler(eventOf.connect(id, { connectedAt: Date.now() - 60_000 }));
  if (channels.length > 0) await app.handler(eventOf.subscribe(id, ...channels));
}

describe('B5 a publish that is not awaited', () => {
  it.each([
    ['sync', (ctx: MessageContext) => void ctx.channel.publish('x', 1)],
    ['async', async (ctx: MessageContext) => void ctx.channel.publish('x', 1)],
  ])('B5 is awaited before the answer: %s', async (_how, handle) => {
    const steps: string[] = [];
    const post = async () => {
      await pause(20);
      steps.push('posted');
      return { result: 'delivered' } as const;
    };
    const { app } = makeApp(handle, { gateway: gatewayWith({ post }) });
    await open(app, 'c1', 'rooms/1');
    await app.handler(eventOf.message('c1', 'rooms.say'));
    steps.push('answered');
    expect(steps).toEqual(['posted', 'answered']);
  });

  it('B5 is also awaited if it begins while another one runs', async () => {
    const steps: string[] = [];
    const post = async () => {
      await pause(10);
      steps.push('posted');
      return { result: 'delivered' } as const;
    };
    const handle = (ctx: MessageContext) => {
      void ctx.channel.publish('x', 1).then(() => {
        void ctx.channel.publish('x', 2);
      });
    };
    const { app } = makeApp(handle, { gateway: gatewayWith({ post }) });
    await open(app, 'c1', 'rooms/1');
    await app.handler(eventOf.message('c1', 'rooms.say'));
    steps.push('answered');
    expect(steps).toEqual(['posted', 'posted', 'answered']);
  });

  it('B5 is reported if it is refused, and does not become an unhandled rejection', async () => {
    const { say, errors } = makeApp((ctx) => void ctx.channel.publish('x', 1n));
    expect(await say()).toMatchObject({ type: 'reply' });
    expect(errors).toMatchObject([
      { error: { code: 'ERR_PUBLISH_DATA' }, ctx: { route: 'rooms.say', isAnswered: false } },
    ]);
    await expectNoneUnhandled();
  });

  it('B5 that the handler awaits is not reported', async () => {
    const { say, errors } = makeApp(async (ctx) => {
      await ctx.channel.publish('x', 1n).catch(() => undefined);
      const late = ctx.channel.publish('x', 2n);
      await pause(5);
      return late.catch(() => 'mended');
    });
    expect(await say()).toMatchObject({ type: 'reply', data: 'mended' });
    expect(errors).toEqual([]);
  });

  it('B5 that the handler passes on is reported once', async () => {
    const { say, errors } = makeApp((ctx) => ctx.channel.publish('x', 1n));
    expect(await say()).toMatchObject({ error: { code: 'ERR_INTERNAL' } });
    expect(errors).toMatchObject([{ error: { code: 'ERR_PUBLISH_DATA' } }]);
    await expectNoneUnhandled();
  });

  it('B5 outside of any event rejects for its caller', async () => {
    const { app } = makeApp(() => undefined);
    await expect(app.channel('rooms/1').publish('x', 1n)).rejects.toMatchObject({
      code: 'ERR_PUBLISH_DATA',
    });
    const publisher = createPublisher({ store: memoryStore(), gateway: gatewayWith() });
    void publisher.channel('rooms/1').publish('x', 1n);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    // Otherwise nobody would notice the failure.
    expect(unhandled).toHaveBeenCalledOnce();
  });

  it('B5 an error that happens again outside of any event is reported again', async () => {
    const error = Object.assign(new Error('always this one'), { code: 'ERR_X' });
    const post = async () => ({ result: 'failed', error }) as never;
    const { app, errors } = makeApp(() => undefined, { gateway: gatewayWith({ post }) });
    await open(app, 'c1', 'rooms/1');
    await app.channel('rooms/1').publish('x', 1);
    await app.channel('rooms/1').publish('x', 1);
    expect(errors).toMatchObject([{ error }, { error }]);
  });
});

describe('B5 after the answer', () => {
  const uses: [string, (ctx: MessageContext) => Promise<unknown>][] = [
    ['ctx.channel.publish()', (ctx) => ctx.channel.publish('x', 1)],
    ['ctx.channel.members()', (ctx) => ctx.channel.members()],
    ['ctx.app.channel().publish()', (ctx) => ctx.app.channel('rooms/1').publish('x', 1)],
    ['ctx.app.channel().members()', (ctx) => ctx.app.channel('rooms/1').members()],
    ['ctx.app.connection().disconnect()', (ctx) => ctx.app.connection('c2').disconnect()],
    [
      'ctx.app.connection().unsubscribe()',
      (ctx) => ctx.app.connection('c2').unsubscribe('rooms/1'),
    ],
  ];

  it.each(uses)('B5 %s rejects', async (_name, use) => {
    let kept: MessageContext | undefined;
    const { app, say, errors } = makeApp((ctx) => {
      kept = ctx;
    });
    await open(app, 'c1', 'rooms/1');
    await open(app, 'c2', 'rooms/1');
    await say();
    await expect(use(kept as MessageContext)).rejects.toMatchObject({
      code: 'ERR_INVOCATION_OVER',
    });
    expect(errors).toEqual([]);
    // The app itself does not belong to that invocation.
    const { delivery } = await app.channel('rooms/1').publish('x', 1);
    expect(delivery.delivered).toBe(2);
  });

  it.each(uses)('B5 %s that is not awaited is reported', async (_name, use) => {
    let kept: MessageContext | undefined;
    const { say, errors } = makeApp((ctx) => {
      kept = ctx;
    });
    await say();
    void use(kept as MessageContext);
    await expectNoneUnhandled();
    expect(errors).toMatchObject([
      { error: { code: 'ERR_INVOCATION_OVER' }, ctx: { route: 'rooms.say', isAnswered: false } },
    ]);
  });

  it('B5 the contexts of all handlers are unusable, and their signals aborted', async () => {
    const kept = new Map<string, { readonly app: AppActions; readonly signal: AbortSignal }>();
    const keep = (name: string) => (ctx: Parameters<typeof kept.set>[1]) => {
      kept.set(name, ctx);
    };
    const rooms = defineChannel('rooms/:id', {
      access: 'public',
      onConnect: keep('connect'),
      onSubscribe: keep('subscribe'),
      onUnsubscribe: keep('unsubscribe'),
      onDisconnect: keep('disconnect'),
      messages: ({ message }) => ({ say: message((_data, ctx) => keep('message')(ctx)) }),
    });
    const plugins: Plugin[] = [{ name: 'quiet', onError: () => undefined }];
    const store = memoryStore();
    const app = createApp({ channels: [rooms], store, gateway: gatewayWith(), plugins });
    await open(app, 'c1', 'rooms/1');
    await app.handler(eventOf.message('c1', 'rooms.say'));
    await app.handler(eventOf.unsubscribe('c1', 'rooms/1'));
    await app.handler(eventOf.disconnect('c1'));
    expect([...kept.keys()]).toEqual([
      'connect',
      'subscribe',
      'message',
      'unsubscribe',
      'disconnect',
    ]);
    for (const ctx of kept.values()) {
      expect(ctx.signal.aborted).toBe(true);
      expect(ctx.signal.reason).toMatchObject({ code: 'ERR_INVOCATION_OVER' });
      await expect(ctx.app.channel('rooms/1').publish('x', 1)).rejects.toMatchObject({
        code: 'ERR_INVOCATION_OVER',
      });
    }
  });
});

/** Counts the running calls of a slow store and a slow gateway. */
class Traffic {
  readonly lines: string[] = [];
  readonly #underWay = new Set<object>();
  readonly #draw: Draw;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** The calls so far, and those that are still running. */
  get state(): object {
    return { calls: this.lines.length, underWay: [...this.#underWay] };
  }

  /** Does some work after a while, unless the time is over by then. */
  async call<T>(name: string, limit: TimeLimit | undefined, work: () => Promise<T>): Promise<T> {
    this.lines.push(name);
    const call = { name };
    this.#underWay.add(call);
    const stop = new AbortController();
    const late = (): Error =>
      StoreError.of({ store: 'slow', operation: name, reason: 'It took too long.' });
    try {
      await withinTime(pause(this.#draw(60), stop.signal), limit ?? {}, late);
      return await work();
    } finally {
      stop.abort();
      this.#underWay.delete(call);
    }
  }

  store(): Store {
    const slow =
      (name: string) =>
      (real: () => Promise<unknown>, ...args: unknown[]) =>
        this.call(name, args.at(-1) as TimeLimit, real);
    const names: readonly Exclude<keyof ConnectionStore, 'contract'>[] = [
      'connect',
      'get',
      'disconnect',
      'subscribe',
      'unsubscribe',
      'subscribers',
      'channels',
      'prune',
    ];
    return storeWith(Object.fromEntries(names.map((name) => [name, slow(name)])));
  }

  gateway(): Gateway {
    const answer = async (name: string, limit: TimeLimit | undefined) => {
      try {
        const results = ['delivered', 'delivered', 'gone', 'retry', 'throttled'] as const;
        const result = results[this.#draw(results.length)] ?? 'delivered';
        const error = new Error('planted') as never;
        return await this.call(name, limit, async () => ({ result, error }));
      } catch (error) {
        return { result: 'retry', error: error as never } as const;
      }
    };
    return {
      post: (_id, _frame, limit) => answer('post', limit),
      disconnect: (_id, limit) => answer('close', limit),
    };
  }
}

const OPERATIONS = {
  connect: () => eventOf.connect('new', { connectedAt: Date.now() - 60_000 }),
  message: () => eventOf.message('c1', 'rooms.say'),
  subscribe: () => eventOf.subscribe('c1', ...Array.from({ length: 9 }, (_, at) => `rooms/${at}`)),
  unsubscribe: () => eventOf.unsubscribe('c1', 'rooms/1', 'rooms/2', 'rooms/3'),
  disconnect: () => eventOf.disconnect('c1'),
};

/** An app whose handlers are slow and do not await anything. */
async function makeBusyApp(draw: Draw, traffic: Traffic) {
  const sleep = (): Promise<void> => pause(draw(120));
  const busy = async (ctx: { readonly app: AppActions }): Promise<void> => {
    const { app } = ctx;
    const floating = [
      () => app.channel('rooms/1').publish('x', 1),
      () => app.channel('rooms/1').publish('x', 1n),
      () => app.channel('rooms/2').members(),
      () => app.connection('c2').unsubscribe('rooms/1'),
      () => app.connection('c3').disconnect({ reconnect: true }),
    ];
    for (let count = draw(4); count > 0; count -= 1) {
      void floating[draw(floating.length)]?.();
      if (draw(2) === 0) await sleep();
    }
    if (draw(3) === 0) await app.channel('rooms/1').publish('x', 2);
    if (draw(5) === 0) throw new Error('planted');
    if (draw(5) === 0) await never();
  };
  const hook = async (_ctx: object, next: () => Promise<void>): Promise<void> => {
    if (draw(4) === 0) await sleep();
    await next();
    if (draw(4) === 0) await sleep();
  };
  const rooms = defineChannel('rooms/:id', {
    access: async () => {
      if (draw(3) === 0) await sleep();
      return draw(6) > 0;
    },
    onConnect: busy,
    onSubscribe: busy,
    onUnsubscribe: busy,
    onDisconnect: busy,
    messages: ({ message }) => ({ say: message((_data, ctx) => busy(ctx)) }),
  });
  const lobby = defineChannel('lobby', { access: 'public', autoSubscribe: true });
  const hooks = ['Frame', 'Connect', 'Subscribe', 'Unsubscribe', 'Message', 'Publish', 'Deliver'];
  const plugin = {
    name: 'slow',
    ...Object.fromEntries([...hooks, 'Disconnect'].map((name) => [`on${name}`, hook])),
    onError: () => undefined,
  };
  const store = traffic.store();
  const app = createApp({
    channels: [rooms, lobby],
    store,
    gateway: traffic.gateway(),
    plugins: [plugin],
  });
  const record = (connectionId: string) => ({
    connectionId,
    apiId: 'abcde12345',
    stage: 'dev',
    region: process.env['AWS_REGION'] ?? '',
    connectedAt: Date.now() - 60_000,
    expiresAt: Date.now() + 3_600_000,
  });
  const opening = Promise.all(
    ['c1', 'c2', 'c3', 'c4', 'c5'].map((id) =>
      store.connections.connect(record(id), ['lobby', 'rooms/1', 'rooms/2', 'rooms/3']),
    ),
  );
  await vi.advanceTimersByTimeAsync(1_000);
  await opening;
  return app;
}

describe('B5 the framework does nothing after the answer', () => {
  const leftOver = Object.keys(OPERATIONS).flatMap((operation) =>
    [30_000, 640, 560].map((leftMs) => [operation, leftMs] as const),
  );

  it.each(leftOver)('B5 %s, with %i ms left', async (operation, leftMs) => {
    vi.useFakeTimers();
    const random = vi.spyOn(Math, 'random');
    for (let seed = 1; seed <= 40; seed += 1) {
      const draw = drawFrom(seed * 7_919 + leftMs);
      random.mockImplementation(() => draw(1_000) / 1_000);
      const traffic = new Traffic(draw);
      const app = await makeBusyApp(draw, traffic);
      traffic.lines.length = 0;
      let atAnswer: object | undefined;
      const frame = OPERATIONS[operation as keyof typeof OPERATIONS]();
      void app.handler(frame, contextOf(leftMs)).then(async () => {
        // Work that is aborted by the answer ends some microtasks later.
        if (leftMs < 1_000) for (let count = 0; count < 20; count += 1) await Promise.resolve();
        atAnswer = traffic.state;
      });
      await vi.advanceTimersByTimeAsync(leftMs);
      expect(atAnswer, `seed ${seed}`).toMatchObject({ underWay: [] });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(traffic.state, `seed ${seed}`).toEqual(atAnswer);
    }
    random.mockRestore();
    vi.useRealTimers();
    await expectNoneUnhandled();
  });
});

it('B5 the rejection of an onError is written to the console', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const broken = {
    name: 'broken',
    onError: async () => {
      throw new Error('The listener broke.');
    },
  };
  const { say } = makeApp(
    () => {
      throw new Error('x');
    },
    { plugins: [broken] },
  );
  await say();
  await expectNoneUnhandled();
  expect(log.mock.calls.flat().map(String).join()).toContain('The listener broke.');
  log.mockRestore();
});
