// An API whose only routes are $connect, $disconnect, $default and ping: the app dispatches by action.
import { ClientError, defineChannel, event, memoryStore, type Store } from '@gatecast/framework';
import {
  createTestApp,
  makeConnectEvent,
  makeDisconnectEvent,
  makeMessageEvent,
} from '@gatecast/framework/testing';
import * as v from 'valibot';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listen, outcomeOf } from './heard.js';

const heard: unknown[] = [];
const rooms = defineChannel('rooms/:id', {
  access: ({ connection }) => connection.userId !== undefined,
  events: { message: event<{ text: string; from: string }>() },
  messages: ({ message }) => ({
    post: message(v.object({ text: v.string() }), async ({ text }, { channel, connection }) => {
      const { id } = await channel.publish('message', { text, from: connection.userId ?? '' });
      return { id };
    }),
    typing: message((_data, { connection }) => void heard.push(connection.userId), {
      reply: false,
    }),
    fail: message(() => Promise.reject(new ClientError('ERR_NO', 'No.')), { reply: false }),
  }),
});

const news = defineChannel('news', { history: { retentionSeconds: 600 } });

/** One environment of the function, behind an API that has no authorizer. */
function environment(store: Store = memoryStore()) {
  const ear = listen();
  const { app, gateway } = createTestApp({
    channels: [rooms, news],
    store,
    authorizer: ({ token }) => {
      if (token === undefined) throw new ClientError('ERR_UNAUTHORIZED', 'Sign in.');
      return { userId: token, claims: { team: 'red' } };
    },
    isAuthorizerDeployed: false,
    plugins: [ear.plugin],
  });
  const send = async (connectionId: string, frame: object): Promise<unknown> => {
    const text = makeMessageEvent({ connectionId, body: JSON.stringify(frame) });
    expect(text.requestContext.routeKey).toBe('$default');
    return app.handler(text);
  };
  const ask = async (connectionId: string, frame: object): Promise<unknown> => {
    const { body = '' } = (await send(connectionId, { id: 'f1', ...frame })) as { body?: string };
    return outcomeOf(JSON.parse(body));
  };
  return { app, gateway, ear, send, ask, store };
}

const post = { action: 'rooms.post', channel: 'rooms/1', data: { text: 'hello' } };
const typing = { action: 'rooms.typing', channel: 'rooms/1', id: 'f2' };

async function open(connectionId: string) {
  const one = environment();
  const query = { protocol: '1', token: connectionId };
  const answer = await one.app.handler(makeConnectEvent({ connectionId, query }));
  expect(answer).toEqual({ statusCode: 200 });
  return one;
}

afterEach(() => {
  vi.unstubAllEnvs();
  heard.length = 0;
});

describe('an API with $default alone', () => {
  it('subscribes, answers, publishes and unsubscribes', async () => {
    const { ask, app, gateway, store } = await open('ann');
    const frames: string[] = [];
    gateway.peers.set('ann', {
      connectedAt: 0,
      receive: (frame) => frames.push(frame),
      close: () => Promise.resolve(),
    });
    expect(await ask('ann', { action: 'subscribe', channels: ['rooms/1'] })).toMatchObject({
      channels: [{ channel: 'rooms/1', result: 'live' }],
    });
    expect(await ask('ann', post)).toEqual({ id: expect.any(String) });
    expect(frames.map((frame) => JSON.parse(frame) as object)).toMatchObject([
      { type: 'event', event: 'message', data: { text: 'hello', from: 'ann' } },
    ]);
    expect(await ask('ann', { action: 'unsubscribe', channels: ['rooms/1'] })).toEqual({
      channels: [{ channel: 'rooms/1' }],
    });
    await app.handler(makeDisconnectEvent({ connectionId: 'ann' }));
    expect(await store.connections.get('ann')).toBeUndefined();
  });

  it('refuses wrong data, an unknown action and what is not a frame', async () => {
    const { ask, app } = await open('ann');
    expect(await ask('ann', { ...post, data: {} })).toBe('ERR_VALIDATION');
    expect(await ask('ann', { ...post, action: 'rooms.pots' })).toBe('ERR_ACTION_UNKNOWN');
    expect(await ask('ann', { ...post, action: '$connect' })).toBe('ERR_ACTION_UNKNOWN');
    const garbled = makeMessageEvent({ connectionId: 'ann', body: '{' });
    expect(JSON.parse(((await app.handler(garbled)) as { body: string }).body)).toMatchObject({
      type: 'error',
      error: { code: 'ERR_FRAME_INVALID' },
    });
  });

  it('answers a one-way message without a body, even one that is refused', async () => {
    const { send, ear } = await open('ann');
    expect(await send('ann', typing)).toEqual({ statusCode: 200 });
    expect(heard).toEqual(['ann']);
    expect(await send('ann', { ...typing, action: 'rooms.fail' })).toEqual({ statusCode: 200 });
    expect(await send('ann', { ...typing, channel: 'nowhere' })).toEqual({ statusCode: 200 });
    expect(ear.codes()).toEqual(['ERR_NO', 'ERR_CHANNEL_UNKNOWN']);
  });

  it('answers a ping that its MOCK integration did not', async () => {
    const { send } = await open('ann');
    expect(await send('ann', { action: 'ping' })).toEqual({
      statusCode: 200,
      body: '{"type":"pong"}',
    });
  });

  it('reads the identity once where the connection is not known', async () => {
    const { store, ask } = await open('ann');
    const get = vi.spyOn(store.connections, 'get');
    await ask('ann', post);
    expect(get).not.toHaveBeenCalled();
    const other = environment(store);
    for (let count = 0; count < 3; count += 1) {
      expect(await other.ask('ann', post)).toEqual({ id: expect.any(String) });
    }
    expect(get).toHaveBeenCalledTimes(1);
    expect(get.mock.calls[0]?.[0]).toBe('ann');
    expect(await other.ask('bob', post)).toBe('ERR_CONNECTION_UNKNOWN');
  });

  it('says nothing about its routes', async () => {
    const { ask, ear } = await open('ann');
    await ask('ann', post);
    expect(ear.errors).toEqual([]);
  });
});

describe('an API whose routes were made from an older manifest', () => {
  it('serves the new message by $default, and says so once', async () => {
    vi.stubEnv('GATECAST_ROUTES', 'manifest');
    const { ask, send, ear } = await open('ann');
    expect(await ask('ann', { action: 'rooms.unknown' })).toBe('ERR_ACTION_UNKNOWN');
    expect(ear.codes()).toEqual(['ERR_ACTION_UNKNOWN']);
    for (let count = 0; count < 3; count += 1) {
      expect(await ask('ann', post)).toEqual({ id: expect.any(String) });
    }
    await send('ann', typing);
    expect(ear.codes()).toEqual(['ERR_ACTION_UNKNOWN', 'ERR_ROUTES_STALE']);
    expect(ear.errors[1]).toMatchObject({
      message: expect.stringContaining('"rooms.post" came by $default'),
      hint: expect.stringContaining('gatecast manifest'),
    });
  });

  it.each([
    ['history', { channel: 'news', limit: 0 }],
    ['sync', { positions: { news: 'AAAAAAAAAAAA:0:' } }],
  ])('notices that a channel has got history, by the action %s', async (action, frame) => {
    vi.stubEnv('GATECAST_ROUTES', 'manifest');
    const { ask, ear } = await open('ann');
    expect(await ask('ann', { action, ...frame })).toBeTypeOf('object');
    expect(ear.codes()).toEqual(['ERR_ROUTES_STALE']);
  });

  it('says nothing of messages that come by a route of their own', async () => {
    vi.stubEnv('GATECAST_ROUTES', 'manifest');
    const { app, ear } = await open('ann');
    const body = JSON.stringify({ id: 'f1', ...post });
    const routeKey = 'rooms.post';
    await app.handler(makeMessageEvent({ connectionId: 'ann', routeKey, body }));
    expect(ear.errors).toEqual([]);
  });
});
