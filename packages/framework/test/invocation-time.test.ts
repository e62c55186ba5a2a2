import {
  createApp,
  defineChannel,
  type ErrorContext,
  event,
  GatecastError,
  type Plugin,
} from '@gatecast/framework';
import { makeAuthorizerEvent } from '@gatecast/framework/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { contextOf, eventOf, gatewayWith, never, runSimulated, storeWith } from './lambda.js';

const LEFT_MS = 900;
const ANSWERED_MS = LEFT_MS - 500;
/** If the store hangs as well, lists of channels and handshakes may clean up until this time. */
const CLEANED_MS = ANSWERED_MS + 260;
/** Aborted work that is awaited may take until this time. */
const STOPPED_MS = ANSWERED_MS + 110;

type Part =
  | 'handler'
  | 'rule'
  | 'schema'
  | 'authorizer'
  | 'plugin'
  | 'get'
  | 'connect'
  | 'disconnect'
  | 'subscribe'
  | 'unsubscribe'
  | 'channels'
  | 'subscribers';

/** An app in which a test can make any part hang. */
function makeApp({ hasAuthorizer = false }: { readonly hasAuthorizer?: boolean } = {}) {
  const hanging = new Set<string>();
  const signals: AbortSignal[] = [];
  const errors: { error: unknown; ctx: ErrorContext }[] = [];
  const at =
    (part: Part | `on${string}`) =>
    (ctx?: unknown): Promise<never> | undefined => {
      if (!hanging.has(part)) return undefined;
      const { signal } = (ctx ?? {}) as { readonly signal?: AbortSignal };
      if (signal) signals.push(signal);
      return never();
    };
  const handler = at('handler');
  const hook = (name: string) => async (ctx: object, next: () => Promise<void>) => {
    await at(`on${name}`)(ctx);
    await next();
  };
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async (value: unknown) => (await at('schema')()) ?? { value },
    },
  };
  const rooms = defineChannel('rooms/:roomId', {
    access: async () => (await at('rule')()) ?? true,
    events: { x: event<number>() },
    onConnect: handler,
    onSubscribe: handler,
    onUnsubscribe: handler,
    onDisconnect: handler,
    messages: ({ message }) => ({
      ask: message(schema, (_data, ctx) => handler(ctx)),
      tell: message(schema, (_data, ctx) => handler(ctx), { reply: false }),
      publish: message((_data, ctx) => ctx.channel.publish('x', 1)),
      members: message((_data, ctx) => ctx.channel.members()),
      kick: message((_data, ctx) => ctx.app.connection('c1').unsubscribe('rooms/1')),
      close: message((_data, ctx) => ctx.app.connection('c1').disconnect()),
      floating: message((_data, ctx) => {
        void ctx.channel.publish('x', 1);
        return 'done';
      }),
    }),
  });
  const lobby = defineChannel('lobby', {
    access: async () => (await at('rule')()) ?? true,
    autoSubscribe: true,
  });
  const method = (part: Part) => (real: () => Promise<unknown>) => at(part)() ?? real();
  const store = storeWith({
    get: method('get'),
    connect: method('connect'),
    disconnect: method('disconnect'),
    subscribe: method('subscribe'),
    unsubscribe: method('unsubscribe'),
    channels: method('channels'),
    subscribers: method('subscribers'),
  });
  const plugin: Plugin = {
    name: 'parts',
    onFrame: hook('Frame'),
    onConnect: hook('Connect'),
    onSubscribe: hook('Subscribe'),
    onUnsubscribe: hook('Unsubscribe'),
    onMessage: hook('Message'),
    onPublish: hook('Publish'),
    onDeliver: hook('Deliver'),
    onDisconnect: hook('Disconnect'),
    onError: (error, ctx) => errors.push({ error, ctx }),
  };
  const hangs = async () => (hanging.has('gateway') ? never() : ({ result: 'delivered' } as const));
  const app = createApp({
    channels: [rooms, lobby],
    store,
    gateway: gatewayWith({ post: hangs, disconnect: hangs }),
    plugins: [plugin],
    ...(hasAuthorizer && {
      authorizer: async () => (await at('authorizer')()) ?? { userId: 'ann' },
    }),
  });
  return { app, hanging, signals, errors };
}

type TimedApp = ReturnType<typeof makeApp>;

async function open({ app }: TimedApp, ...channels: string[]): Promise<void> {
  await app.handler(eventOf.connect('c1'));
  if (channels.length > 0) await app.handler(eventOf.subscribe('c1', ...channels));
}

function codesOf({ errors }: TimedApp): unknown[] {
  return errors.map(({ error }) => (error instanceof GatecastError ? error.code : error));
}

const timeOut = (id: string | undefined = 'f1') => ({
  type: 'error',
  ...(id !== undefined && { id }),
  error: { code: 'ERR_TIMEOUT', message: expect.any(String) as string },
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('B2 an invocation that hangs is answered 500 ms before its end', () => {
  it.each([
    ['handler', true],
    ['rule', false],
    ['schema', false],
    ['onFrame', false],
    ['onMessage', true],
  ])('B2 a message: %s', async (part, hasContext) => {
    const made = makeApp();
    await open(made);
    made.hanging.add(part);
    const { answer, afterMs } = await runSimulated(
      made.app.handler,
      eventOf.message('c1', 'rooms.ask'),
      LEFT_MS,
    );
    expect(answer).toEqual({ statusCode: 200, frame: timeOut() });
    expect(afterMs).toBe(ANSWERED_MS);
    expect(made.errors).toMatchObject([
      {
        error: { code: 'ERR_HANDLER_TIMEOUT' },
        ctx: { route: 'rooms.ask', connectionId: 'c1', isAnswered: true },
      },
    ]);
    expect(made.signals.map(({ aborted }) => aborted)).toEqual(hasContext ? [true] : []);
  });

  it.each([['handler'], ['rule'], ['schema'], ['onFrame'], ['onMessage']])(
    'B2 a one-way message: %s',
    async (part) => {
      const made = makeApp();
      await open(made);
      made.hanging.add(part);
      const frame = eventOf.message('c1', 'rooms.tell');
      const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
      expect(answer).toEqual({ statusCode: 200 });
      expect(afterMs).toBe(ANSWERED_MS);
      expect(made.errors).toMatchObject([
        {
          error: { code: 'ERR_HANDLER_TIMEOUT' },
          ctx: { route: 'rooms.tell', isAnswered: false },
        },
      ]);
    },
  );

  it.each([
    ['rooms.publish', 'onPublish'],
    ['rooms.publish', 'onDeliver'],
    ['rooms.members', 'subscribers'],
    ['rooms.kick', 'get'],
    ['rooms.kick', 'unsubscribe'],
    ['rooms.kick', 'handler'],
    ['rooms.close', 'gateway'],
  ])('B2 in a call of a handler, %s: %s', async (action, part) => {
    const made = makeApp();
    await open(made, 'rooms/1');
    made.hanging.add(part);
    const { answer, afterMs } = await runSimulated(
      made.app.handler,
      eventOf.message('c1', action),
      LEFT_MS,
    );
    expect(answer.frame).toMatchObject({
      type: expect.stringMatching(/^(error|reply)$/),
      id: 'f1',
    });
    expect(afterMs).toBeLessThanOrEqual(STOPPED_MS);
    expect(made.errors.length).toBeGreaterThan(0);
  });

  it('B2 in a publish that is not awaited and hangs in a plugin', async () => {
    const made = makeApp();
    await open(made);
    made.hanging.add('onPublish');
    const frame = eventOf.message('c1', 'rooms.floating');
    const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
    expect(answer.frame).toEqual({ type: 'reply', id: 'f1', data: 'done' });
    expect(afterMs).toBeLessThanOrEqual(STOPPED_MS);
    expect(codesOf(made)).toEqual(['ERR_HANDLER_TIMEOUT']);
  });

  it.each([
    ['handler', ANSWERED_MS],
    ['rule', ANSWERED_MS],
    ['onSubscribe', ANSWERED_MS],
    ['subscribe', STOPPED_MS],
  ])('B2 a subscribe frame: %s', async (part, latestMs) => {
    const made = makeApp();
    await open(made);
    made.hanging.add(part);
    const frame = eventOf.subscribe('c1', 'rooms/1', 'rooms/2');
    const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
    const { error } = timeOut();
    expect(answer.frame).toEqual({
      type: 'reply',
      id: 'f1',
      data: { channels: ['rooms/1', 'rooms/2'].map((channel) => ({ channel, error })) },
      server: expect.anything(),
    });
    expect(afterMs).toBeLessThanOrEqual(latestMs);
    expect(made.errors).toMatchObject([
      { error: { code: 'ERR_HANDLER_TIMEOUT' }, ctx: { route: 'subscribe', count: 2 } },
    ]);
    made.hanging.clear();
    await made.app.handler(eventOf.disconnect('c1'));
    expect(made.errors).toHaveLength(1);
  });

  it('B2 a channel that hangs leaves the others of its frame alone', async () => {
    const slow = defineChannel('slow/:id', { access: 'public', onSubscribe: () => never() });
    const quick = defineChannel('quick/:id', { access: 'public', onSubscribe: () => 'here' });
    const app = createApp({
      channels: [slow, quick],
      store: storeWith({}),
      gateway: gatewayWith(),
      plugins: [{ name: 'quiet', onError: () => undefined }],
    });
    await app.handler(eventOf.connect('c1'));
    const frame = eventOf.subscribe('c1', 'slow/1', 'quick/1');
    const { answer } = await runSimulated(app.handler, frame, LEFT_MS);
    expect(answer.frame).toMatchObject({
      data: {
        channels: [
          { channel: 'slow/1', error: { code: 'ERR_TIMEOUT' } },
          { channel: 'quick/1', result: 'live', data: 'here' },
        ],
      },
    });
  });

  it.each([
    ['onFrame', []],
    ['handler', ['unsubscribe']],
    ['handler', ['channels']],
    ['subscribe', ['unsubscribe', 'channels']],
  ])('B2 in a subscribe frame whose clean-up hangs, too: %s, %s', async (part, more) => {
    const made = makeApp();
    await open(made);
    for (const name of [part, ...more]) made.hanging.add(name);
    const frame = eventOf.subscribe('c1', 'rooms/1');
    const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
    expect(answer.frame).toMatchObject({ id: 'f1' });
    expect(JSON.stringify(answer.frame)).toContain('ERR_TIMEOUT');
    expect(afterMs).toBeLessThanOrEqual(CLEANED_MS);
    expect(codesOf(made)).toContain('ERR_HANDLER_TIMEOUT');
  });

  it('B2 the signal is aborted when the time is over, before the clean-up has ended', async () => {
    const made = makeApp();
    await open(made);
    for (const part of ['handler', 'unsubscribe']) made.hanging.add(part);
    const onAnswer = vi.fn();
    const frame = eventOf.subscribe('c1', 'rooms/1');
    void made.app.handler(frame, contextOf(LEFT_MS)).then(onAnswer);
    await vi.advanceTimersByTimeAsync(ANSWERED_MS + 10);
    expect(made.signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(onAnswer).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(CLEANED_MS - ANSWERED_MS);
    expect(onAnswer).toHaveBeenCalledOnce();
  });

  it.each([
    // The membership has ended even if its handler hangs, and the client is told so.
    ['handler', 'reply', ANSWERED_MS],
    ['onUnsubscribe', 'reply', ANSWERED_MS],
    ['unsubscribe', 'error', CLEANED_MS],
    ['onFrame', 'error', CLEANED_MS],
  ])('B2 an unsubscribe frame: %s', async (part, type, latestMs) => {
    const made = makeApp();
    await open(made, 'rooms/1', 'rooms/2');
    made.hanging.add(part);
    const frame = eventOf.unsubscribe('c1', 'rooms/1', 'rooms/2');
    const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
    expect(answer.frame).toMatchObject(type === 'error' ? timeOut() : { type, id: 'f1' });
    expect(afterMs).toBeLessThanOrEqual(latestMs);
    expect(codesOf(made)).toEqual(['ERR_HANDLER_TIMEOUT']);
  });

  it.each([
    [['handler'], ANSWERED_MS],
    [['rule'], ANSWERED_MS],
    [['authorizer'], ANSWERED_MS],
    [['onConnect'], ANSWERED_MS],
    [['connect'], ANSWERED_MS],
    [['connect', 'disconnect'], CLEANED_MS],
  ])('B2 $connect: %s', async (parts, latestMs) => {
    const made = makeApp({ hasAuthorizer: true });
    for (const part of parts) made.hanging.add(part);
    const { answer, afterMs } = await runSimulated(
      made.app.handler,
      eventOf.connect('c1'),
      LEFT_MS,
    );
    expect(answer).toEqual({ statusCode: 500 });
    expect(afterMs).toBeLessThanOrEqual(latestMs);
    expect(made.errors[0]).toMatchObject({ ctx: { route: '$connect' } });
    expect(codesOf(made)).toContain('ERR_HANDLER_TIMEOUT');
    expect(made.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('B2 the deployed authorizer', async () => {
    const made = makeApp({ hasAuthorizer: true });
    made.hanging.add('authorizer');
    const frame = makeAuthorizerEvent({ connectionId: 'c1' });
    const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
    expect(answer.error).toMatchObject({ message: 'The authorizer failed.' });
    expect(afterMs).toBe(ANSWERED_MS);
    expect(made.errors).toMatchObject([
      { error: { code: 'ERR_HANDLER_TIMEOUT' }, ctx: { route: 'authorizer' } },
    ]);
  });

  it.each([['handler'], ['onDisconnect'], ['onUnsubscribe'], ['disconnect']])(
    'B2 $disconnect: %s',
    async (part) => {
      const made = makeApp();
      await open(made, 'rooms/1', 'rooms/2');
      made.hanging.add(part);
      const frame = eventOf.disconnect('c1');
      const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
      expect(answer).toEqual({ statusCode: 200 });
      expect(afterMs).toBe(ANSWERED_MS);
      expect(new Set(codesOf(made))).toEqual(new Set(['ERR_HANDLER_TIMEOUT']));
      expect(made.errors.every(({ ctx }) => ctx.route === '$disconnect')).toBe(true);
      expect(made.signals.every(({ aborted }) => aborted)).toBe(true);
    },
  );

  it('B2 leaves out a channel whose autoSubscribe returns a promise, even a rejected one', async () => {
    const codes: unknown[] = [];
    const auto = async () => {
      throw new Error('no');
    };
    const mine = defineChannel('users/:userId', {
      access: 'public',
      autoSubscribe: auto as unknown as () => undefined,
    });
    const store = storeWith({});
    const app = createApp({
      channels: [mine],
      store,
      plugins: [{ name: 'errors', onError: (error) => codes.push((error as GatecastError).code) }],
    });
    const { answer } = await runSimulated(app.handler, eventOf.connect('c1'), LEFT_MS);
    expect(answer.statusCode).toBe(200);
    expect(await store.connections.channels('c1')).toEqual([]);
    expect(codes).toEqual(['ERR_AUTO_CHANNEL']);
  });

  it('B2 the identity that cannot be read', async () => {
    const made = makeApp({ hasAuthorizer: true });
    await made.app.handler(eventOf.connect('c2'));
    made.hanging.add('get');
    const frame = eventOf.message('c1', 'rooms.ask');
    const { answer, afterMs } = await runSimulated(made.app.handler, frame, LEFT_MS);
    expect(answer.frame).toEqual(timeOut());
    expect(afterMs).toBe(ANSWERED_MS);
  });

  it("B2 without Lambda's context nothing is aborted", async () => {
    const made = makeApp();
    await open(made);
    made.hanging.add('handler');
    const onAnswer = vi.fn();
    void made.app.handler(eventOf.message('c1', 'rooms.ask')).then(onAnswer);
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    expect(onAnswer).not.toHaveBeenCalled();
  });
});

describe('B2 work that continues after the time is over', () => {
  const LATE_MS = LEFT_MS + 1_000;
  const late = () => new Promise<void>((resolve) => setTimeout(resolve, LATE_MS));

  it('B2 is not blamed on the handler of a class that has none', async () => {
    const labels: unknown[] = [];
    const app = createApp({
      channels: [defineChannel('rooms/:id', { access: 'public' })],
      store: storeWith({
        unsubscribe: async (real) => {
          const were = await real();
          await late();
          return were;
        },
      }),
      gateway: gatewayWith(),
      plugins: [{ name: 'labels', onError: (error) => void labels.push(String(error)) }],
    });
    await app.handler(eventOf.connect('c1'));
    await app.handler(eventOf.subscribe('c1', 'rooms/1'));
    await runSimulated(app.handler, eventOf.unsubscribe('c1', 'rooms/1'), LEFT_MS);
    await vi.advanceTimersByTimeAsync(LATE_MS);
    expect(labels).toEqual([expect.stringContaining('a handler, an access rule or a plugin')]);
  });

  /** An app in which one part takes too long, and all later parts record that they were reached. */
  function makeLateApp(part: string) {
    const reached: string[] = [];
    const step = async (name: string): Promise<void> => {
      reached.push(name);
      if (name === part) await late();
    };
    const hook = (name: string) => async (_ctx: object, next: () => Promise<void>) => {
      await step(name);
      await next();
    };
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (value: unknown) => {
          await step('schema');
          return { value };
        },
      },
    };
    const access = async (): Promise<boolean> => {
      await step('rule');
      return true;
    };
    const first = defineChannel('rooms/:id', {
      access,
      onConnect: () => step('handler'),
      onSubscribe: () => step('handler'),
      onUnsubscribe: () => step('left'),
      onDisconnect: () => step('handler'),
      messages: ({ message }) => ({ ask: message(schema, () => step('handler')) }),
    });
    const third = defineChannel('hall', {
      access: () => step('hall').then(() => true),
      autoSubscribe: true,
    });
    const second = defineChannel('lobby', {
      access,
      autoSubscribe: true,
      onConnect: () => step('second handler'),
      onDisconnect: () => step('second handler'),
    });
    const plugin: Plugin = {
      name: 'steps',
      onFrame: hook('onFrame'),
      onConnect: hook('onConnect'),
      onSubscribe: hook('onSubscribe'),
      onUnsubscribe: hook('onUnsubscribe'),
      onMessage: hook('onMessage'),
      onDisconnect: hook('onDisconnect'),
      onError: () => undefined,
    };
    const app = createApp({
      channels: [first, second, third],
      store: storeWith({
        subscribe: async (real) => {
          const results = await real();
          await step('store');
          return results;
        },
      }),
      gateway: gatewayWith(),
      plugins: [plugin],
    });
    return { app, reached };
  }

  it.each([
    ['message', 'onFrame', ['onFrame']],
    ['message', 'rule', ['onFrame', 'rule']],
    ['message', 'schema', ['onFrame', 'rule', 'schema']],
    ['message', 'onMessage', ['onFrame', 'rule', 'schema', 'onMessage']],
    ['subscribe', 'rule', ['onFrame', 'rule']],
    ['subscribe', 'onSubscribe', ['onFrame', 'rule', 'onSubscribe']],
    ['subscribe', 'store', ['onFrame', 'rule', 'onSubscribe', 'store']],
    ['unsubscribe', 'onUnsubscribe', ['onFrame', 'onUnsubscribe']],
    ['connect', 'rule', ['rule']],
    ['connect', 'hall', ['rule', 'hall']],
    ['connect', 'onConnect', ['rule', 'hall', 'onConnect']],
    ['connect', 'handler', ['rule', 'hall', 'onConnect', 'handler']],
    ['disconnect', 'onDisconnect', ['onDisconnect']],
    ['disconnect', 'handler', ['onDisconnect', 'onUnsubscribe', 'onUnsubscribe', 'handler']],
  ])('B2 %s: nothing begins after %s', async (kind, part, expected) => {
    const { app, reached } = makeLateApp(part);
    if (kind !== 'connect') {
      const opening = app.handler(eventOf.connect('c1'));
      await vi.advanceTimersByTimeAsync(3 * LATE_MS);
      await opening;
      if (kind === 'unsubscribe') await app.handler(eventOf.subscribe('c1', 'rooms/1'));
      reached.length = 0;
    }
    const frame = {
      message: eventOf.message('c1', 'rooms.ask'),
      subscribe: eventOf.subscribe('c1', 'rooms/1'),
      unsubscribe: eventOf.unsubscribe('c1', 'rooms/1'),
      connect: eventOf.connect('c1'),
      disconnect: eventOf.disconnect('c1'),
    }[kind];
    await runSimulated(app.handler, frame, LEFT_MS);
    expect(reached).toEqual(expected);
    await vi.advanceTimersByTimeAsync(2 * LATE_MS);
    expect(reached).toEqual(expected);
  });
});
