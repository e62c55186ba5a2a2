import {
  Channel,
  ClientError,
  createApp,
  defineChannel,
  definePlugin,
  type MessageContext,
  memoryStore,
  OnMessage,
  type Plugin,
} from '@gatecast/framework';
import { logger } from '@gatecast/framework/plugins/logger';
import { createTestApp, makeConnectEvent, makeMessageEvent } from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';

declare module '@gatecast/framework' {
  interface ContextVariables {
    readonly tenant?: string;
  }
}

const handled = vi.fn();
@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage()
  async say(data: unknown, ctx: MessageContext) {
    handled(ctx.tenant);
    await ctx.channel.publish('said', data);
    return ctx.tenant ?? 'none';
  }

  @OnMessage()
  fail() {
    throw new Error('The disk is full.');
  }

  @OnMessage({ reply: false })
  refuse() {
    throw new ClientError('ERR_NO', 'No.');
  }
}

function tracer(name: string, lines: string[]): Plugin {
  const around =
    (hook: string) =>
    async (_ctx: object, next: () => Promise<void>): Promise<void> => {
      lines.push(`${name} > ${hook}`);
      await next();
      lines.push(`${name} < ${hook}`);
    };
  return definePlugin({
    name,
    onConnect: around('connect'),
    onSubscribe: around('subscribe'),
    onMessage: around('message'),
    onPublish: around('publish'),
    onDeliver: around('deliver'),
    onDisconnect: around('disconnect'),
  });
}

const makeApp = (...plugins: Plugin[]) => createTestApp({ channels: [RoomChannel], plugins });

describe('plugins', () => {
  it('run in their order around everything, and unwind in reverse', async () => {
    const lines: string[] = [];
    const ann = await makeApp(tracer('a', lines), tracer('b', lines)).connect();
    await ann.subscribe('rooms/1');
    const nested = (hook: string) => [`a > ${hook}`, `b > ${hook}`, `b < ${hook}`, `a < ${hook}`];
    expect(lines.splice(0)).toEqual([...nested('connect'), ...nested('subscribe')]);
    await ann.send('rooms.say', 'rooms/1');
    expect(lines.splice(0)).toEqual([
      'a > message',
      'b > message',
      'a > publish',
      'b > publish',
      ...nested('deliver'),
      'b < publish',
      'a < publish',
      'b < message',
      'a < message',
    ]);
    await ann.disconnect();
    expect(lines).toEqual(nested('disconnect'));
  });

  it('add to the context of the handler', async () => {
    const tenant = definePlugin<{ tenant: string }>({
      name: 'tenant',
      onMessage: (_ctx, next) => next({ tenant: 'acme' }),
    });
    const ann = await createTestApp({ channels: [RoomChannel], plugins: [tenant] }).connect();
    expect(await ann.send('rooms.say', 'rooms/1')).toMatchObject({ data: 'acme' });
  });

  it('refuse connections, subscriptions and messages by a ClientError', async () => {
    handled.mockClear();
    const refuse = () => {
      throw new ClientError('ERR_RATE_LIMIT', 'Slow down.', { retryAfterMs: 9 });
    };
    await expect(makeApp({ name: 'limit', onConnect: refuse }).connect()).rejects.toMatchObject({
      status: 429,
    });
    const app = makeApp({ name: 'limit', onSubscribe: refuse, onMessage: refuse });
    const ann = await app.connect();
    const error = { code: 'ERR_RATE_LIMIT', message: 'Slow down.', retryAfterMs: 9 };
    expect(await ann.subscribe('rooms/1')).toEqual([{ channel: 'rooms/1', error }]);
    expect(await app.store.connections.channels(ann.id)).toEqual([]);
    expect(await ann.send('rooms.say', 'rooms/1')).toMatchObject({ type: 'error', error });
    expect(handled).not.toHaveBeenCalled();
  });

  it('stop a publish by not calling next', async () => {
    const app = makeApp({ name: 'mute', onPublish: () => undefined });
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    await ann.send('rooms.say', 'rooms/1');
    expect(ann.events).toEqual([]);
  });

  it('that call next twice run the handler once and are reported', async () => {
    handled.mockClear();
    const onError = vi.fn();
    const app = makeApp({
      name: 'eager',
      onError,
      async onMessage(_ctx, next) {
        await next();
        await next();
      },
    });
    const answer = await (await app.connect()).send('rooms.say', 'rooms/1');
    expect(answer).toMatchObject({ error: { code: 'ERR_INTERNAL' } });
    expect(handled).toHaveBeenCalledTimes(1);
    expect(onError.mock.calls[0]?.[0]).toMatchObject({
      name: 'UsageError',
      message: 'Plugin "eager" called next() twice in onMessage.',
      hint: 'Call next() at most once in a hook.',
    });
  });

  it('see a delivery once, not once for each connection, and its outcome', async () => {
    const onDeliver = vi.fn((_delivery: object, next: () => Promise<void>) => next());
    const app = makeApp({ name: 'deliveries', onDeliver });
    const all = [await app.connect(), await app.connect(), await app.connect()];
    for (const connection of all) await connection.subscribe('rooms/1');
    const { id } = await app.app.channel('rooms/1').publish('x', {});
    const delivery = { delivered: 3, gone: 0, failed: 0 };
    expect(onDeliver.mock.calls.map(([seen]) => seen)).toMatchObject([
      { channel: 'rooms/1', event: 'x', id, ephemeral: false, delivery },
    ]);
  });

  it('get every error, even if another plugin throws', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const onError = vi.fn();
    const bad: Plugin = {
      name: 'bad',
      onError() {
        throw new Error('The listener broke.');
      },
    };
    const ann = await makeApp(bad, { name: 'good', onError }).connect();
    await ann.send('rooms.fail', 'rooms/1');
    await ann.sendOneWay('rooms.refuse', 'rooms/1');
    expect(onError.mock.calls).toMatchObject([
      [
        { message: 'The disk is full.' },
        { route: 'rooms.fail', connectionId: ann.id, isAnswered: true },
      ],
      [{ code: 'ERR_NO' }, { route: 'rooms.refuse', isAnswered: false }],
    ]);
    expect(String(log.mock.calls[0]?.[1])).toContain('The listener broke.');
    log.mockRestore();
  });

  it('are set up once, with the routes and the store', () => {
    const [setup, store] = [vi.fn(), memoryStore()];
    const app = createApp({ channels: [RoomChannel], store, plugins: [{ name: 'a', setup }] });
    expect(setup.mock.calls).toEqual([[{ routes: app.routes, store }]]);
  });

  it.each([
    [
      'twice',
      [{ name: 'a' }, { name: 'a' }],
      'ERR_PLUGIN_DUPLICATE',
      'Plugin "a" is registered twice.',
      'Remove one of them from createApp({ plugins }).',
    ],
    [
      'as a function that makes the plugin',
      [function audit() {}],
      'ERR_PLUGIN_FACTORY',
      'The list of plugins has the function audit; a plugin is an object.',
      'Pass what it returns, as in createApp({ plugins: [logger()] }).',
    ],
    [
      'before a plugin that it requires',
      [{ name: 'b', requires: ['a'] }, { name: 'a' }],
      'ERR_PLUGIN_ORDER',
      'Plugin "b" needs plugin "a", which is not registered before it.',
      'Add a before b in createApp({ plugins }).',
    ],
  ])('may not be registered %s', (_how, plugins, code, message, hint) => {
    expect(() => makeApp(...plugins)).toThrow(expect.objectContaining({ code, message, hint }));
  });
});

describe('logger()', () => {
  it('writes a line for each event, without body and token', async () => {
    const lines: string[] = [];
    const app = createTestApp({
      channels: [RoomChannel],
      authorizer: () => ({ userId: 'ann' }),
      plugins: [logger({ level: 'info', write: (_level, line) => lines.push(line) })],
    });
    const ann = await app.connect({ token: 'sesame' });
    await ann.subscribe('rooms/1');
    await ann.send('rooms.say', 'rooms/1', { text: 'private words' });
    await ann.sendOneWay('rooms.refuse', 'rooms/1', { text: 'private words' });
    await ann.send('rooms.fail', 'rooms/1', { text: 'private words' });
    await ann.disconnect();
    const seen = { connectionId: ann.id, requestId: expect.any(String) };
    const ok = {
      ...seen,
      level: 'INFO',
      outcome: 'ok',
      userId: 'ann',
      durationMs: expect.any(Number),
    };
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { ...ok, route: '$connect' },
      { ...ok, route: 'subscribe' },
      { ...ok, route: 'rooms.say' },
      {
        ...seen,
        level: 'WARN',
        route: 'rooms.refuse',
        outcome: 'refused',
        error: { code: 'ERR_NO' },
      },
      { ...seen, level: 'ERROR', outcome: 'failed', error: { message: 'The disk is full.' } },
      { ...ok, route: '$disconnect' },
    ]);
    expect(lines.join('\n')).not.toMatch(/private words|sesame|c2VzYW1l/);
  });

  it('leaves out lines below its level', async () => {
    const levels: string[] = [];
    const plugin = logger({ level: 'error', write: (level) => levels.push(level) });
    const ann = await makeApp(plugin).connect();
    await ann.sendOneWay('rooms.refuse', 'rooms/1');
    await ann.send('rooms.fail', 'rooms/1');
    expect(levels).toEqual(['error']);
  });

  it.each([
    [{ AWS_LAMBDA_LOG_LEVEL: 'ERROR' }, ['error']],
    [{ AWS_LAMBDA_LOG_LEVEL: 'ERROR', GATECAST_LOG_LEVEL: 'WARN' }, ['warn', 'error']],
  ])('takes its level from %o', async (variables, expected) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const levels: string[] = [];
    const plugin = logger({ write: (level) => levels.push(level) });
    vi.unstubAllEnvs();
    const ann = await makeApp(plugin).connect();
    await ann.sendOneWay('rooms.refuse', 'rooms/1');
    await ann.send('rooms.fail', 'rooms/1');
    expect(levels).toEqual(expected);
  });
});

describe('a plugin that swallows what next() throws', () => {
  const swallow = async (_ctx: object, next: () => Promise<void>) => {
    await next().catch(() => {});
  };
  const failing = () => {
    throw new Error('No.');
  };
  const room = defineChannel('room', {
    access: 'public',
    onConnect: failing,
    onSubscribe: failing,
    messages: ({ message }) => ({ post: message(failing) }),
  });
  const frame = { action: 'room.post', id: 'm', channel: 'room' };

  it('does not turn the refusal of a frame into a success', async () => {
    const plugins = [{ name: 'swallow', onFrame: swallow, onError() {} }];
    const { app } = createTestApp({ channels: [room], plugins });
    const { body } = (await app.handler(makeMessageEvent({ body: JSON.stringify(frame) }))) as {
      body: string;
    };
    expect(JSON.parse(body)).toEqual({
      type: 'error',
      id: 'm',
      error: { code: 'ERR_FORBIDDEN', message: 'A plugin refused the frame.' },
    });
  });

  it('does not open a connection', async () => {
    const onError = vi.fn();
    const plugins = [{ name: 'swallow', onConnect: swallow, onError }];
    const { app, store } = createTestApp({ channels: [room], plugins });
    const event = makeConnectEvent({ connectionId: 'c' });
    expect(await app.handler(event)).toEqual({ statusCode: 403 });
    expect(onError.mock.calls).toMatchObject([[{ code: 'ERR_FORBIDDEN' }, { isAnswered: true }]]);
    expect(await store.connections.get('c')).toBeUndefined();
  });
});
