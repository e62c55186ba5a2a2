import {
  type ConnectContext,
  defineChannel,
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
      context: { gatecast: '{"userId":"ann"}' },
    });
    const open = createTestApp({ channels: [door] });
    expect(await open.app.handler(makeAuthorizerEvent())).toEqual({
      ...policy('Allow', 'guest'),
      context: { gatecast: '{}' },
    });
  });

  it('denies a page of another origin before it runs the authorizer', async () => {
    let calls = 0;
    const { app } = createTestApp({
      channels: [door],
      origins: ['https://chat.example.com'],
      authorizer: () => {
        calls += 1;
        return { userId: 'ann' };
      },
      plugins: [quiet],
    });
    const event = makeAuthorizerEvent({ headers: { Origin: 'https://evil.example.com' } });
    expect(await app.handler(event)).toEqual(policy('Deny', 'guest'));
    expect(calls).toBe(0);
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
