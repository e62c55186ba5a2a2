import {
  Channel,
  ClientError,
  type DisconnectContext,
  OnDisconnect,
  OnSubscribe,
  OnUnsubscribe,
  type SubscribeContext,
  type UnsubscribeContext,
} from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { beforeEach, describe, expect, it } from 'vitest';

const left: object[] = [];
const ended: object[] = [];

beforeEach(() => {
  left.length = 0;
  ended.length = 0;
});

@Channel('rooms/:roomId')
class RoomChannel {
  @OnSubscribe()
  join({ params }: SubscribeContext) {
    if (params.roomId === 'full') throw new ClientError('ERR_ROOM_FULL', 'The room is full.');
    return { topic: params.roomId };
  }

  @OnUnsubscribe()
  leave({ params, cause, channel, connection }: UnsubscribeContext) {
    left.push({ params, cause, channel: channel.name, id: connection.id });
  }

  @OnDisconnect()
  end({ code, reason, channels, connection }: DisconnectContext) {
    ended.push({ code, reason, channels: [...channels].sort(), id: connection.id });
  }
}

@Channel('news')
class NewsChannel {}

const makeApp = () => createTestApp({ channels: [RoomChannel, NewsChannel] });

describe('a subscribe frame', () => {
  it('is answered with one outcome for each channel, in the same order', async () => {
    const ann = await makeApp().connect();
    expect(await ann.subscribe('nope', 'rooms/2', 'rooms/full', 'news', 'rooms/#')).toEqual([
      { channel: 'nope', error: { code: 'ERR_CHANNEL_UNKNOWN', message: expect.any(String) } },
      { channel: 'rooms/2', result: 'live', data: { topic: '2' } },
      { channel: 'rooms/full', error: { code: 'ERR_ROOM_FULL', message: 'The room is full.' } },
      { channel: 'news', result: 'live' },
      { channel: 'rooms/#', error: { code: 'ERR_CHANNEL_NAME', message: expect.any(String) } },
    ]);
  });

  it.each([
    ['live', ['rooms/1', 'news']],
    ['refused in part', ['rooms/1', 'nope']],
    ['refused', ['rooms/full', 'nope']],
  ])('is answered with what the server wants of its clients: %s', async (_what, channels) => {
    const app = makeApp();
    const ann = await app.connect();
    const ask = () =>
      ann.sendFrame({
        action: 'subscribe',
        id: 'f1',
        channels: channels.map((channel) => ({ channel })),
      });
    const settings = { keepAliveMs: 240_000, reconnectWithinMs: 500, resendWithinMs: 300_000 };
    for (const laterMs of [0, 5_000]) {
      app.clock.advance(laterMs);
      expect(await ask()).toEqual({
        type: 'reply',
        id: 'f1',
        data: { channels: expect.any(Array) },
        server: { ...settings, now: app.clock.now() },
      });
    }
  });

  it('sends no settings in an error or in any other reply', async () => {
    const ann = await makeApp().connect();
    const many = Array.from({ length: 51 }, (_, index) => ({ channel: `rooms/${index}` }));
    for (const frame of [
      { action: 'subscribe', id: 'f1', channels: many },
      { action: 'subscribe', channels: [{ channel: 'news' }] },
      { action: 'unsubscribe', id: 'f1', channels: ['news'] },
      { action: 'rooms.nope', id: 'f1', channel: 'rooms/1' },
    ]) {
      const answer = await ann.sendFrame(frame);
      expect(answer).toHaveProperty('type');
      expect(answer).not.toHaveProperty('server');
    }
  });

  it('that the handler refuses leaves no membership', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/full', 'rooms/1');
    expect(await app.store.connections.channels(ann.id)).toEqual(['rooms/1']);
    const { delivery } = await app.app.channel('rooms/full').publish('x', {});
    expect(delivery.delivered).toBe(0);
    expect(ann.events).toEqual([]);
  });

  it('that has a channel twice gets an outcome for both and makes one membership', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const outcomes = await ann.subscribe('rooms/1', 'rooms/1');
    const live = { channel: 'rooms/1', result: 'live', data: { topic: '1' } };
    expect(outcomes).toEqual([live, live]);
    await app.app.channel('rooms/1').publish('x', {});
    expect(ann.events).toHaveLength(1);
  });

  it('that is sent again makes no second membership', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('news');
    await ann.subscribe('news');
    await app.app.channel('news').publish('x', {});
    expect(ann.events).toHaveLength(1);
  });

  it('may not exceed 200 channels', async () => {
    const ann = await makeApp().connect();
    for (let page = 0; page < 4; page += 1) {
      await ann.subscribe(...Array.from({ length: 50 }, (_, n) => `rooms/${page * 50 + n}`));
    }
    expect(await ann.subscribe('news', 'rooms/7')).toMatchObject([
      { channel: 'news', error: { code: 'ERR_CHANNEL_LIMIT' } },
      { channel: 'rooms/7', result: 'live' },
    ]);
  });

  it('of a connection that the store no longer has is refused as a whole', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await app.store.connections.disconnect(ann.id);
    const frame = { action: 'subscribe', id: 's', channels: [{ channel: 'news' }] };
    expect(await ann.sendFrame(frame)).toMatchObject({
      type: 'error',
      id: 's',
      error: { code: 'ERR_CONNECTION_UNKNOWN' },
    });
  });
});

describe('an unsubscribe frame', () => {
  const frame = (...channels: unknown[]) => ({ action: 'unsubscribe', id: 'u', channels });

  it('is answered for each channel in order, and events stop', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'news');
    expect(await ann.sendFrame(frame('no name', 'rooms/1'))).toMatchObject({
      type: 'reply',
      id: 'u',
      data: {
        channels: [
          { channel: 'no name', error: { code: 'ERR_CHANNEL_NAME' } },
          { channel: 'rooms/1' },
        ],
      },
    });
    await app.app.channel('rooms/1').publish('x', {});
    await app.app.channel('news').publish('y', {});
    expect(ann.events.map(({ event }) => event)).toEqual(['y']);
  });

  it('runs @OnUnsubscribe once, and only for existing subscriptions', async () => {
    const ann = await makeApp().connect();
    await ann.subscribe('rooms/1');
    await ann.sendFrame(frame('rooms/1', 'rooms/1', 'rooms/2'));
    await ann.sendFrame(frame('rooms/1'));
    expect(left).toEqual([
      { params: { roomId: '1' }, cause: 'unsubscribe', channel: 'rooms/1', id: ann.id },
    ]);
  });
});

describe('the end of a connection', () => {
  it('runs @OnUnsubscribe for each channel and @OnDisconnect with all of them', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'rooms/2', 'news');
    await ann.disconnect(1001, 'Going away');
    expect(left).toHaveLength(2);
    expect(left).toContainEqual({
      params: { roomId: '2' },
      cause: 'disconnect',
      channel: 'rooms/2',
      id: ann.id,
    });
    expect(ended).toEqual([
      { code: 1001, reason: 'Going away', channels: ['news', 'rooms/1', 'rooms/2'], id: ann.id },
    ]);
    expect(await app.store.connections.get(ann.id)).toBeUndefined();
  });

  it('C8 runs the handlers once even if a 410 came first', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    await app.store.connections.prune([ann.id]);
    expect(left).toEqual([]);
    await ann.disconnect();
    await ann.disconnect();
    const channel = { params: { roomId: '1' }, channel: 'rooms/1' };
    expect(left).toEqual([{ ...channel, cause: 'disconnect', id: ann.id }]);
    expect(ended).toMatchObject([{ channels: ['rooms/1'], id: ann.id }]);
  });

  it('without a code has the code 1005', async () => {
    const ann = await makeApp().connect();
    await ann.disconnect();
    expect(ended).toMatchObject([{ code: 1005, channels: [] }]);
  });
});

it.each([
  ['subscribe', { action: 'subscribe', id: '1', channels: [{ channel: { toString: 1 } }] }],
  ['unsubscribe', { action: 'unsubscribe', id: '1', channels: [{ toString: 1 }] }],
])('%s refuses a value that is not a name, for that channel only', async (_what, frame) => {
  const app = createTestApp({ channels: [RoomChannel] });
  const alice = await app.connect();
  expect(await alice.sendFrame(frame)).toMatchObject({
    type: 'reply',
    data: { channels: [{ channel: '', error: { code: 'ERR_FRAME_INVALID' } }] },
  });
});

it('a plugin that throws after next() or never calls it leaves no membership', async () => {
  for (const onSubscribe of [
    async (_ctx: unknown, next: () => Promise<void>) => {
      await next();
      throw new ClientError('ERR_LATE', 'Too late.');
    },
    () => undefined,
  ]) {
    const app = createTestApp({ channels: [RoomChannel], plugins: [{ name: 'p', onSubscribe }] });
    const alice = await app.connect();
    expect(await alice.subscribe('rooms/1')).toMatchObject([
      { error: { code: expect.stringMatching(/LATE|FORBIDDEN/) } },
    ]);
    expect(await app.store.connections.channels(alice.id)).toEqual([]);
  }
});
