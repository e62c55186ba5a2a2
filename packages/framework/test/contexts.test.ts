import {
  type ConnectContext,
  defineChannel,
  type Identity,
  type MessageContext,
  type Plugin,
} from '@gatecast/framework';
import {
  createTestApp,
  makeAuthorizerEvent,
  makeConnectEvent,
  makeMessageEvent,
} from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { contextOf, eventOf } from './lambda.js';

describe('the context of a message', () => {
  const valuesOf = ({ attempt, messageId, route, lambdaContext }: MessageContext) => ({
    attempt,
    messageId,
    route,
    requestId: lambdaContext?.awsRequestId,
  });
  const looking = defineChannel('looking', {
    messages: ({ message }) => ({ look: message((_data, ctx) => valuesOf(ctx)) }),
  });
  const { app } = createTestApp({ channels: [looking] });
  const ask = async (more: object = {}, lambdaContext?: object) => {
    const frame = { action: 'looking.look', id: 'm', channel: 'looking', ...more };
    const event = makeMessageEvent({ body: JSON.stringify(frame), routeKey: 'looking.look' });
    const { body } = (await app.handler(event, lambdaContext)) as { body: string };
    return (JSON.parse(body) as { data: object }).data;
  };

  it('has the number of the attempt, which counts from 1', async () => {
    for (const attempt of [1, 2, 77]) expect(await ask({ attempt })).toMatchObject({ attempt });
    for (const attempt of [undefined, null, 0, -1, 1.5, '2', 2 ** 53, [2]]) {
      expect(await ask({ attempt })).toMatchObject({ attempt: 1 });
    }
  });

  it('has the id of the message, its route and the context of Lambda', async () => {
    expect(await ask()).toEqual({ attempt: 1, messageId: 'm', route: 'looking.look' });
    expect(await ask({}, contextOf(10_000))).toMatchObject({ requestId: 'request' });
  });
});

describe('the context of a subscription', () => {
  it('says whether the connection was subscribed before', async () => {
    const seen: boolean[] = [];
    const before: boolean[] = [];
    const room = defineChannel('room', { onSubscribe: (ctx) => void seen.push(ctx.isRepeated) });
    const plugin: Plugin = {
      name: 'before',
      onSubscribe: (ctx, next) => {
        before.push(ctx.isRepeated);
        return next();
      },
    };
    const ann = await createTestApp({ channels: [room], plugins: [plugin] }).connect();
    await ann.subscribe('room');
    await ann.subscribe('room');
    await ann.sendFrame({ action: 'unsubscribe', id: 'u', channels: ['room'] });
    await ann.subscribe('room');
    expect(seen).toEqual([false, true, false]);
    // A plugin asks before the store does, so it cannot know yet.
    expect(before).toEqual([false, false, false]);
  });
});

describe('the context of any handler', () => {
  it('has the event, its route and the context of Lambda', async () => {
    const seen: unknown[] = [];
    const see = (ctx: Pick<MessageContext, 'event' | 'route' | 'lambdaContext'>) =>
      void seen.push({ event: ctx.event, route: ctx.route, lambdaContext: ctx.lambdaContext });
    const rooms = defineChannel('rooms/:id', {
      onConnect: see,
      onSubscribe: see,
      messages: ({ message }) => ({ see: message((_data, ctx) => see(ctx)) }),
      onDisconnect: see,
    });
    const { app } = createTestApp({ channels: [rooms] });
    const lambdaContext = contextOf(10_000);
    const expected = [
      ['$connect', eventOf.connect('c1')],
      ['subscribe', eventOf.subscribe('c1', 'rooms/1')],
      ['rooms.see', eventOf.message('c1', 'rooms.see')],
      ['$disconnect', eventOf.disconnect('c1')],
    ] as const;
    for (const [, event] of expected) await app.handler(event, lambdaContext);
    expect(seen).toEqual(expected.map(([route, event]) => ({ event, route, lambdaContext })));
  });
});

describe('the context of a handshake', () => {
  it('has its headers, its query and its event', async () => {
    const seen: ConnectContext[] = [];
    const door = defineChannel('door', { onConnect: (ctx) => void seen.push(ctx) });
    const event = makeConnectEvent({ headers: { 'X-Room': '7' }, query: { room: '8' } });
    await createTestApp({ channels: [door] }).app.handler(event);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers['x-room']).toBe('7');
    expect(seen[0]?.query).toEqual({ room: '8' });
    expect(seen[0]?.event).toBe(event);
  });
});

describe('the answer to an authorizer event', () => {
  const door = defineChannel('door', { access: 'public' });
  const policy = (effect: string, principalId: string) => ({
    principalId,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: expect.any(String) }],
    },
  });
  const quiet = { name: 'quiet', onError() {} };

  it('accepts a user, and a guest if there is no authorizer', async () => {
    const signedIn = createTestApp({ channels: [door], authorizer: () => ({ userId: 'ann' }) });
    expect(await signedIn.app.handler(makeAuthorizerEvent())).toEqual({
      ...policy('Allow', 'ann'),
      context: { gatecast: '{"userId":"ann"}', gatecastUserId: 'ann' },
    });
    const open = createTestApp({ channels: [door] });
    expect(await open.app.handler(makeAuthorizerEvent())).toEqual({
      ...policy('Allow', 'guest'),
      context: { gatecast: '{}' },
    });
  });

  it('asks about a handshake without a token', async () => {
    const asked: object[] = [];
    const authorizer = (handshake: object) => {
      asked.push(handshake);
      return {};
    };
    await createTestApp({ channels: [door], authorizer }).app.handler(makeAuthorizerEvent());
    expect(asked).toHaveLength(1);
    expect(asked[0]).not.toHaveProperty('token');
  });

  it.each<[Identity, string | undefined]>([
    [{ userId: 'ann', expiresAt: 4_102_444_800_000 }, '4102444800000'],
    [{ expiresAt: 4_102_444_800_000.5 }, '4102444800000.5'],
    [{ userId: 'a', expiresAt: Number.MAX_SAFE_INTEGER }, '9007199254740991'],
    [{ userId: `O'Hara "x"\\ \u2028ü\n😀`, claims: { role: 'x' } }, undefined],
    [{}, undefined],
  ])('has what a row needs of the identity as plain text: %j', async (identity, expiresAt) => {
    const { app } = createTestApp({ channels: [door], authorizer: () => identity });
    const { context } = (await app.handler(makeAuthorizerEvent())) as { context: object };
    expect(context).toEqual({
      gatecast: expect.any(String),
      ...(identity.userId !== undefined && { gatecastUserId: identity.userId }),
      ...(expiresAt !== undefined && { gatecastExpiresAt: expiresAt }),
    });
    expect(JSON.parse((context as { gatecast: string }).gatecast)).toEqual(identity);
  });

  it.each([
    ['a page of another origin', { headers: { Origin: 'https://evil.example.com' } }],
    ['an unknown version in the query', { query: { protocol: '2', token: 'ann' } }],
    ['an empty version in the query', { query: { protocol: '', token: 'ann' } }],
    ['an unknown sub-protocol', { headers: { 'Sec-WebSocket-Protocol': 'mqtt' } }],
  ])('denies %s before it runs the authorizer, and says nothing about it', async (_what, asked) => {
    let calls = 0;
    const authorizer = () => {
      calls += 1;
      return { userId: 'ann' };
    };
    const origins = ['https://chat.example.com'];
    for (const more of [{ authorizer }, {}]) {
      const { app } = createTestApp({ channels: [door], origins, plugins: [quiet], ...more });
      const answer = await app.handler(makeAuthorizerEvent(asked));
      expect(JSON.parse(JSON.stringify(answer))).toEqual(policy('Deny', 'guest'));
    }
    expect(calls).toBe(0);
  });

  it.each([
    ['with the version and the token in the query', { query: { protocol: '1', token: 'ann' } }],
    ['of another client, without a version', { query: { token: 'ann' } }],
  ])('accepts a handshake %s', async (_what, asked) => {
    const authorizer = ({ token = '' }: { token?: string }) => ({ userId: token });
    const { app } = createTestApp({ channels: [door], authorizer });
    const answer = await app.handler(makeAuthorizerEvent(asked));
    expect(answer).toMatchObject({ ...policy('Allow', 'ann'), context: { gatecastUserId: 'ann' } });
  });
});

it('every answer to a frame has the status 200, even a refusal', async () => {
  const { app } = createTestApp({
    channels: [defineChannel('room', { messages: ({ message }) => ({ post: message(() => 1) }) })],
    plugins: [{ name: 'quiet', onError() {} }],
  });
  for (const [frame, type] of [
    [{ action: 'room.post', id: 'm', channel: 'room' }, 'reply'],
    [{ action: 'nope', id: 'm' }, 'error'],
    [{ action: 'x'.repeat(70_000) }, 'error'],
  ] as const) {
    const answer = await app.handler(makeMessageEvent({ body: JSON.stringify(frame) }));
    expect(answer).toMatchObject({ statusCode: 200, body: expect.stringContaining(type) });
  }
});

it('a ping that reaches the function is answered without identifying the sender', async () => {
  const { app } = createTestApp({
    channels: [defineChannel('room')],
    authorizer: () => ({ userId: 'ann' }),
  });
  const ping = makeMessageEvent({ body: '{"action":"ping"}' });
  expect(await app.handler(ping)).toEqual({ statusCode: 200, body: '{"type":"pong"}' });
});
