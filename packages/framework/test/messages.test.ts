import { defineChannel } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { eventId } from '@gatecast/protocol';
import { describe, expect, it, vi } from 'vitest';
import { listen } from './heard.js';
import { eventOf } from './lambda.js';
import { RoomChannel } from './rooms.js';

describe('a message', () => {
  it('reaches the subscribers of its channel and answers its sender', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const [alice, bob, carol] = [await app.connect(), await app.connect(), await app.connect()];
    await alice.subscribe('rooms/42');
    await bob.subscribe('rooms/42');
    await carol.subscribe('rooms/43');

    const answer = await alice.sendFrame({
      action: 'rooms.post',
      id: 'm1',
      channel: 'rooms/42',
      data: { text: 'hello' },
    });

    const id = eventId('rooms/42', 'm1', 0);
    expect(answer).toEqual({
      type: 'reply',
      id: 'm1',
      data: { id, delivery: { delivered: 2, gone: 0, failed: 0 } },
    });
    const event = {
      type: 'event',
      channel: 'rooms/42',
      event: 'message',
      data: { text: 'hello', from: 'someone' },
      id,
      at: app.clock.now(),
    };
    expect(alice.events).toEqual([event]);
    expect(bob.events).toEqual([event]);
    expect(carol.events).toEqual([]);
  });

  it('finds each parameter in the name of its channel', async () => {
    const games = defineChannel('games/:game/moves/:move/:by', {
      messages: ({ message }) => ({ look: message((_data, { params }) => params) }),
    });
    const alice = await createTestApp({ channels: [games] }).connect();
    expect(await alice.send('games.look', 'games/go/moves/7/a%2Fb')).toMatchObject({
      data: { game: 'go', move: '7', by: 'a/b' },
    });
  });

  it('without reply has an answer without a frame, no matter what its handler returns', async () => {
    for (const value of [undefined, 'text', 1n]) {
      for (const result of [value, Promise.resolve(value)]) {
        const quiet = defineChannel('quiet', {
          messages: ({ message }) => ({ tell: message(() => result, { reply: false }) }),
        });
        const { app } = createTestApp({ channels: [quiet] });
        const event = eventOf.message('c1', 'quiet.tell', { channel: 'quiet' });
        expect(await app.handler(event)).toEqual({ statusCode: 200 });
      }
    }
  });

  it('without reply runs once, and whoever sends it again is told of the option', async () => {
    const handler = vi.fn();
    const ear = listen();
    const quiet = defineChannel('quiet', {
      messages: ({ message }) => ({ tell: message(handler, { reply: false }) }),
    });
    const { app } = createTestApp({ channels: [quiet], plugins: [ear.plugin] });
    for (const attempt of [undefined, 1, 2, 3]) {
      const event = eventOf.message('c1', 'quiet.tell', { channel: 'quiet', attempt });
      expect(await app.handler(event)).toEqual({ statusCode: 200 });
    }
    expect(handler).toHaveBeenCalledTimes(2);
    const told = expect.stringContaining('"quiet.tell" has no answer') as string;
    expect(ear.errors.map((error) => (error as Error).message)).toEqual([told, told]);
  });

  it('without reply gets no answer, and its event can leave out the sender', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const [alice, bob] = [await app.connect(), await app.connect()];
    await alice.subscribe('rooms/42');
    await bob.subscribe('rooms/42');
    await alice.sendOneWay('rooms.typing', 'rooms/42');
    expect(alice.received.filter(({ type }) => type !== 'reply')).toEqual([]);
    expect(alice.events).toEqual([]);
    expect(bob.events).toMatchObject([{ event: 'typing', data: { who: alice.id } }]);
  });

  it('that arrives twice runs twice and publishes the same event id', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    await alice.subscribe('rooms/42');
    const frame = { action: 'rooms.post', id: 'm1', channel: 'rooms/42', data: { text: 'once' } };
    const first = await alice.sendFrame(frame);
    const second = await alice.sendFrame(frame);
    expect(second).toEqual(first);
    expect(new Set(alice.events.map(({ id }) => id)).size).toBe(1);
  });

  it('is refused by its handler with code, details and time to wait', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    const answer = await alice.sendFrame({ action: 'rooms.refuse', id: 'r', channel: 'rooms/1' });
    expect(answer).toEqual({
      type: 'error',
      id: 'r',
      error: {
        code: 'ERR_ROOM_FULL',
        message: 'The room is full.',
        details: { limit: 3 },
        retryAfterMs: 500,
      },
    });
  });

  it('whose handler throws gets a fixed message, and the log gets the whole error', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    const answer = await alice.sendFrame({ action: 'rooms.fail', id: 'f', channel: 'rooms/1' });
    expect(answer).toEqual({
      type: 'error',
      id: 'f',
      error: {
        code: 'ERR_INTERNAL',
        message: 'The server could not handle this. Its logs say why.',
      },
    });
    expect(log.mock.calls[0]?.[0]).toContain('rooms.fail');
    expect(String(log.mock.calls[0]?.[1])).toContain('secret detail');
    log.mockRestore();
  });

  it('with extra properties reaches its handler without them', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    await alice.subscribe('rooms/1');
    await alice.send('rooms.post', 'rooms/1', { text: 'x', from: 'mallory', isAdmin: true });
    expect(alice.events[0]?.data).toEqual({ text: 'x', from: 'someone' });
  });

  it.each([
    ['a missing property', {}, 'text'],
    ['a wrong type', { text: 1 }, 'text'],
    ['no data', undefined, ''],
  ])('with %s is refused with the path', async (_what, data, path) => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    const answer = await alice.send('rooms.post', 'rooms/1', data);
    expect(answer).toMatchObject({
      type: 'error',
      error: { code: 'ERR_VALIDATION', details: [{ path, message: expect.any(String) }] },
    });
  });
});

describe('a bad frame', () => {
  const long = 'x'.repeat(201);
  it.each([
    ['not JSON', 'hello', 'ERR_FRAME_INVALID'],
    ['empty', '', 'ERR_FRAME_INVALID'],
    ['a JSON string', '"x"', 'ERR_FRAME_INVALID'],
    ['a JSON number', '5', 'ERR_FRAME_INVALID'],
    ['null', 'null', 'ERR_FRAME_INVALID'],
    ['an array', '[{"action":"subscribe"}]', 'ERR_FRAME_INVALID'],
    ['no action', '{}', 'ERR_FRAME_INVALID'],
    ['an action that is not a string', '{"action":1}', 'ERR_FRAME_INVALID'],
    ['an unknown action', '{"action":"rooms.nope","id":"1"}', 'ERR_ACTION_UNKNOWN'],
    ['a lifecycle route as action', '{"action":"$connect","id":"1"}', 'ERR_ACTION_UNKNOWN'],
    ['__proto__ as action', '{"action":"__proto__","id":"1"}', 'ERR_ACTION_UNKNOWN'],
    ['constructor as action', '{"action":"constructor","id":"1"}', 'ERR_ACTION_UNKNOWN'],
    ['no id', { action: 'rooms.echo', channel: 'rooms/1' }, 'ERR_FRAME_INVALID'],
    ['a number as id', { action: 'rooms.echo', id: 1, channel: 'rooms/1' }, 'ERR_FRAME_INVALID'],
    ['an empty id', { action: 'rooms.echo', id: '', channel: 'rooms/1' }, 'ERR_FRAME_INVALID'],
    ['a long id', { action: 'rooms.echo', id: long, channel: 'rooms/1' }, 'ERR_FRAME_INVALID'],
    ['no channel', { action: 'rooms.echo', id: '1' }, 'ERR_FRAME_INVALID'],
    [
      'an unknown channel',
      { action: 'rooms.echo', id: '1', channel: 'x/1' },
      'ERR_CHANNEL_UNKNOWN',
    ],
    ['a # in the name', { action: 'rooms.echo', id: '1', channel: 'rooms/#' }, 'ERR_CHANNEL_NAME'],
    ['a } in the name', { action: 'rooms.echo', id: '1', channel: 'rooms/}' }, 'ERR_CHANNEL_NAME'],
    ['201 bytes of name', { action: 'rooms.echo', id: '1', channel: long }, 'ERR_CHANNEL_NAME'],
    ['an empty segment', { action: 'rooms.echo', id: '1', channel: 'rooms/' }, 'ERR_CHANNEL_NAME'],
    [
      'a __proto__ key',
      '{"action":"rooms.echo","id":"1","channel":"rooms/1","data":{"__proto__":{"isAdmin":true}}}',
      'ERR_FRAME_INVALID',
    ],
    [
      'a constructor.prototype key',
      '{"action":"rooms.echo","id":"1","channel":"rooms/1","data":{"constructor":{"prototype":{}}}}',
      'ERR_FRAME_INVALID',
    ],
    ['no channels', { action: 'subscribe', id: '1' }, 'ERR_FRAME_INVALID'],
    [
      'channels that are not a list',
      { action: 'subscribe', id: '1', channels: 'a' },
      'ERR_FRAME_INVALID',
    ],
    [
      'fifty-one channels',
      {
        action: 'subscribe',
        id: '1',
        channels: Array.from({ length: 51 }, (_, n) => ({ channel: `rooms/${n}` })),
      },
      'ERR_CHANNEL_LIMIT',
    ],
  ])('%s is answered with a code, and the connection stays open', async (_what, frame, code) => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    const answer = await alice.sendFrame(frame);
    expect(answer).toMatchObject({ type: 'error', error: { code } });
    expect(JSON.stringify(answer)).not.toMatch(/\\n +at |\.[jt]s:/);
    const next = await alice.send('rooms.echo', 'rooms/1', { still: 'here' });
    expect(next).toMatchObject({ type: 'reply', data: { still: 'here' } });
  });

  it('gets its id back if it has one', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    expect(await alice.sendFrame('{"action":"nope","id":"abc"}')).toMatchObject({ id: 'abc' });
  });

  it('may contain the words __proto__ and constructor in a string', async () => {
    const app = createTestApp({ channels: [RoomChannel] });
    const alice = await app.connect();
    const data = { text: 'what is "__proto__": and "constructor": {}?' };
    expect(await alice.send('rooms.echo', 'rooms/1', data)).toMatchObject({ data });
  });
});

it('a reply that does not fit into a frame is an internal error, logged with the route', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const app = createTestApp({ channels: [RoomChannel] });
  const alice = await app.connect();
  const answer = await alice.send('rooms.echo', 'rooms/1', 'é'.repeat(16_400));
  expect(answer).toMatchObject({ error: { code: 'ERR_INTERNAL' } });
  expect(log.mock.calls[0]?.[1]).toMatchObject({ code: 'ERR_REPLY_TOO_LARGE' });
  log.mockRestore();
});

it('a ping is answered without the function', async () => {
  const app = createTestApp({ channels: [RoomChannel] });
  const alice = await app.connect();
  expect(await alice.sendFrame({ action: 'ping' })).toEqual({ type: 'pong' });
});
