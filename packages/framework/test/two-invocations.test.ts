import {
  createApp,
  defineChannel,
  definePlugin,
  type ErrorContext,
  event,
  memoryStore,
} from '@gatecast/framework';
import { pause } from '@gatecast/framework/adapter';
import { logger } from '@gatecast/framework/plugins/logger';
import { makeAuthorizerEvent } from '@gatecast/framework/testing';
import { eventId } from '@gatecast/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { drawFrom } from '../src/testing/draw.js';
import { contextOf, eventOf, gatewayWith, never } from './lambda.js';

declare module '@gatecast/framework' {
  interface ContextVariables {
    readonly tenant?: string;
  }
}

const USERS = Array.from({ length: 12 }, (_, at) => `user${at}`);

afterEach(() => {
  vi.useRealTimers();
});

/** An app in which every part is slow, so that invocations overlap everywhere. */
function makeApp(isDeployed: boolean) {
  const draw = drawFrom(11);
  const sleep = (): Promise<void> => pause(draw(40));
  const seen: object[] = [];
  const reports: { error: unknown; ctx: ErrorContext }[] = [];
  const lines: string[] = [];
  const posts: { id: string; frame: { id: string; data: unknown } }[] = [];
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async (value: unknown) => {
        await sleep();
        return { value };
      },
    },
  };
  const rooms = defineChannel('rooms/:id', {
    events: { x: event<unknown>() },
    access: async ({ connection, params }) => {
      const { userId } = connection;
      await sleep();
      return connection.userId === userId && params.id !== 'closed';
    },
    messages: ({ message }) => ({
      say: message(schema, async (data, ctx) => {
        const before = [ctx.connection.userId, ctx.tenant, ctx.messageId, ctx.params.id];
        await ctx.channel.publish('x', data);
        await sleep();
        await ctx.app.channel('rooms/shared').publish('x', data);
        await sleep();
        await ctx.channel.publish('x', data);
        seen.push({
          before,
          after: [ctx.connection.userId, ctx.tenant, ctx.messageId, ctx.params.id],
        });
        return { data, userId: ctx.connection.userId, tenant: ctx.tenant };
      }),
      fail: message(async (data) => {
        await sleep();
        throw new Error(`failed for ${String(data)}`);
      }),
    }),
  });
  const tenants = definePlugin<{ tenant: string }>({
    name: 'tenants',
    async onMessage(ctx, next) {
      await sleep();
      await next({ tenant: `tenant of ${ctx.connection.userId}` });
    },
    onError: (error, ctx) => reports.push({ error, ctx }),
  });
  const app = createApp({
    channels: [rooms],
    store: memoryStore(),
    authorizer: async ({ token = '' }) => {
      await sleep();
      return { userId: token };
    },
    gateway: gatewayWith({
      post: async (id, frame) => {
        await sleep();
        posts.push({ id, frame: JSON.parse(frame) as { id: string; data: unknown } });
        return { result: 'delivered' };
      },
    }),
    plugins: [logger({ level: 'info', write: (_level, line) => lines.push(line) }), tenants],
  });
  const marks = new Map<string, object>();
  const connect = async (user: string): Promise<void> => {
    const query = { token: user };
    if (isDeployed) {
      const policy = await app.handler(makeAuthorizerEvent({ connectionId: user, query }));
      marks.set(user, { authorizer: (policy as { context: object }).context });
    }
    await app.handler(eventOf.connect(user, { query, ...marks.get(user) }));
  };
  const send = async (user: string, frame: object) => {
    const sent = eventOf.frame(user, frame, {
      requestId: `request of ${user}`,
      ...marks.get(user),
    });
    const { body = '{}' } = (await app.handler(sent)) as { body?: string };
    return JSON.parse(body) as { id?: string; data?: unknown; error?: { code: string } };
  };
  return { connect, send, seen, reports, lines, posts };
}

describe.each([
  ['inline', false],
  ['deployed', true],
])('many invocations at once, with an authorizer that is %s', (_where, isDeployed) => {
  it('B5 do not mix up identities, contexts, variables, ordinals and ids', async () => {
    const { connect, send, seen, posts } = makeApp(isDeployed);
    await Promise.all(USERS.map(connect));
    const answers = await Promise.all(
      USERS.map((user) =>
        send(user, {
          action: 'rooms.say',
          id: `f-${user}`,
          channel: `rooms/${user}`,
          data: `from ${user}`,
        }),
      ),
    );
    expect(answers).toEqual(
      USERS.map((userId) => ({
        type: 'reply',
        id: `f-${userId}`,
        data: { data: `from ${userId}`, userId, tenant: `tenant of ${userId}` },
      })),
    );
    for (const user of USERS) {
      const values = [user, `tenant of ${user}`, `f-${user}`, user];
      expect(seen).toContainEqual({ before: values, after: values });
    }
    expect(posts).toEqual([]);
  });

  it('B5 derive the ids of events from their own frames', async () => {
    const { connect, send, posts } = makeApp(isDeployed);
    await Promise.all(USERS.map(connect));
    await Promise.all(
      USERS.map((user) =>
        send(user, { action: 'subscribe', id: 's', channels: [`rooms/${user}`, 'rooms/shared'] }),
      ),
    );
    await Promise.all(
      USERS.map((user) =>
        send(user, { action: 'rooms.say', id: `f-${user}`, channel: `rooms/${user}`, data: user }),
      ),
    );
    for (const user of USERS) {
      const ids = posts
        .filter(({ id, frame }) => id === user && frame.data === user)
        .map(({ frame }) => frame.id);
      expect(new Set(ids)).toEqual(
        new Set([
          eventId(`rooms/${user}`, `f-${user}`, 0),
          eventId('rooms/shared', `f-${user}`, 0),
          eventId(`rooms/${user}`, `f-${user}`, 1),
        ]),
      );
    }
    // Each event reached everybody on the shared channel once.
    expect(posts).toHaveLength(USERS.length * (2 + USERS.length));
  });

  it('B5 report errors with their own request and connection', async () => {
    const { connect, send, reports, lines } = makeApp(isDeployed);
    await Promise.all(USERS.map(connect));
    lines.length = 0;
    await Promise.all(
      USERS.flatMap((user) => [
        send(user, { action: 'rooms.fail', id: 'a', channel: 'rooms/1', data: user }),
        send(user, { action: 'rooms.say', id: 'b', channel: 'rooms/closed', data: user }),
        send(user, { action: 'rooms.say', id: 'c', channel: `rooms/${user}`, data: user }),
      ]),
    );
    expect(reports).toHaveLength(2 * USERS.length);
    for (const user of USERS) {
      const own = { connectionId: user, requestId: `request of ${user}`, isAnswered: true };
      const about = reports.filter(({ ctx }) => ctx.connectionId === user);
      expect(about).toHaveLength(2);
      expect(about).toContainEqual({
        error: expect.objectContaining({ message: `failed for ${user}` }) as Error,
        ctx: expect.objectContaining({ ...own, route: 'rooms.fail' }) as object,
      });
      expect(about).toContainEqual({
        error: expect.objectContaining({ code: 'ERR_FORBIDDEN' }) as Error,
        ctx: expect.objectContaining({ ...own, route: 'rooms.say' }) as object,
      });
    }
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const line of logged)
      expect(line['requestId']).toBe(`request of ${String(line['connectionId'])}`);
    for (const line of logged.filter(({ outcome }) => outcome === 'ok')) {
      expect(line['userId']).toBe(line['connectionId']);
    }
    expect(logged).toHaveLength(3 * USERS.length);
  });
});

describe('B2 one invocation that hangs', () => {
  function makeHangingApp() {
    const reports: { error: unknown; ctx: ErrorContext }[] = [];
    const signals = new Map<string, AbortSignal>();
    const rooms = defineChannel('rooms/:id', {
      access: 'public',
      events: { x: event<number>() },
      onSubscribe: ({ params }) => (params.id === 'hangs' ? never() : undefined),
      messages: ({ message }) => ({
        ask: message((data, ctx) => {
          signals.set(ctx.connection.id, ctx.signal);
          return data === 'hang' ? never() : ctx.channel.publish('x', 1);
        }),
      }),
    });
    const app = createApp({
      channels: [rooms],
      store: memoryStore(),
      gateway: gatewayWith({
        post: async () => {
          await pause(20);
          return { result: 'delivered' };
        },
      }),
      plugins: [{ name: 'errors', onError: (error, ctx) => reports.push({ error, ctx }) }],
    });
    return { app, reports, signals };
  }

  it('B2 does not affect the others, before and after its time is over', async () => {
    vi.useFakeTimers();
    const { app, reports, signals } = makeHangingApp();
    for (const id of ['a', 'b', 'c']) {
      await app.handler(eventOf.connect(id));
      await app.handler(eventOf.subscribe(id, 'rooms/1'));
    }
    const answered: string[] = [];
    const send = async (id: string, data: string, leftMs: number): Promise<void> => {
      const answer = await app.handler(
        eventOf.message(id, 'rooms.ask', { data }),
        contextOf(leftMs),
      );
      answered.push(`${id}: ${JSON.stringify(answer)}`);
    };
    void send('a', 'hang', 900);
    void send('b', 'work', 900);
    await vi.advanceTimersByTimeAsync(30);
    expect(answered).toEqual([expect.stringMatching(/^b: .*\\"delivered\\":3/)]);
    // This one is running when the time of the first is over.
    await vi.advanceTimersByTimeAsync(365);
    void send('c', 'work', 3_000);
    await vi.advanceTimersByTimeAsync(10);
    expect(answered[1]).toMatch(/^a: .*ERR_TIMEOUT/);
    expect([signals.get('a')?.aborted, signals.get('c')?.aborted]).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(100);
    expect(answered[2]).toMatch(/^c: .*\\"delivered\\":3/);
    expect(reports).toMatchObject([
      { error: { code: 'ERR_HANDLER_TIMEOUT' }, ctx: { connectionId: 'a' } },
    ]);
  });

  it('B2 does not affect other frames of its connection', async () => {
    vi.useFakeTimers();
    const { app } = makeHangingApp();
    await app.handler(eventOf.connect('a'));
    const hanging = app.handler(eventOf.subscribe('a', 'rooms/hangs', 'rooms/1'), contextOf(900));
    const other = app.handler(eventOf.subscribe('a', 'rooms/2'), contextOf(900));
    await vi.advanceTimersByTimeAsync(50);
    expect(JSON.stringify(await other)).toContain('live');
    await vi.advanceTimersByTimeAsync(700);
    const { body } = (await hanging) as { body: string };
    expect(JSON.parse(body)).toMatchObject({
      data: {
        channels: [
          { channel: 'rooms/hangs', error: { code: 'ERR_TIMEOUT' } },
          { channel: 'rooms/1', result: 'live' },
        ],
      },
    });
    const sending = app.handler(eventOf.message('a', 'rooms.ask'), contextOf(900));
    await vi.advanceTimersByTimeAsync(50);
    expect(JSON.stringify(await sending)).toMatch(/delivered\\":1/);
  });
});
