import { type MessageLog, memoryStore } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import type { HistoryReply, ReplyFrame } from '@gatecast/protocol';
import { describe, expect, it, vi } from 'vitest';
import { history, limited, makeApp, post, RoomChannel, refused, textsOf } from './history-app.js';

describe('an event of a channel with history', () => {
  it('carries its position, which its result has, too', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    const answer = await ann.send('rooms.post', 'rooms/1', 'a');
    const { data } = answer as ReplyFrame;
    expect(data).toEqual({
      id: expect.any(String),
      position: expect.stringMatching(/^[\w-]{12}:1:[\w-]{6}$/),
      duplicate: false,
      delivery: { delivered: 1, gone: 0, failed: 0 },
    });
    const { position, id } = data as { position: string; id: string };
    expect(ann.events).toEqual([
      {
        type: 'event',
        channel: 'rooms/1',
        event: 'message',
        data: { text: 'a' },
        id,
        at: app.clock.now(),
        position,
      },
    ]);
  });

  it('is appended once if its message is sent again, and delivered again', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    const frame = { action: 'rooms.now', id: 'one', channel: 'rooms/1' };
    const [first, second] = [await ann.sendFrame(frame), await ann.sendFrame(frame)];
    const one = (first as ReplyFrame).data as object;
    expect((second as ReplyFrame).data).toEqual({ ...one, duplicate: true });
    expect(ann.events).toHaveLength(2);
    // What the first run published stands, although the second one made another number.
    expect(ann.events[1]).toEqual(ann.events[0]);
    expect(textsOf(await history(ann, {}))).toHaveLength(1);
  });

  it('is another one if another user sends a message with the same id', async () => {
    const app = createTestApp({
      channels: [RoomChannel],
      authorizer: ({ token }) => ({ userId: token ?? '' }),
    });
    for (const token of ['ann', 'bob']) {
      const connection = await app.connect({ token });
      await connection.sendFrame({
        action: 'rooms.post',
        id: 'one',
        channel: 'rooms/1',
        data: token,
      });
    }
    const { events } = await app.app.channel('rooms/1').history();
    expect(events.map(({ data }) => data)).toEqual([{ text: 'ann' }, { text: 'bob' }]);
  });

  it('is not kept if it is ephemeral, and then has no position', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    const answer = await ann.send('rooms.hint', 'rooms/1', 'a');
    expect((answer as ReplyFrame).data).not.toHaveProperty('position');
    expect(ann.events[0]).not.toHaveProperty('position');
    expect(await history(ann, { limit: 0 })).toMatchObject({
      position: expect.stringMatching(/:0:$/),
    });
  });

  it('is refused if its id belongs to another event, and accepted again if it is the same', async () => {
    const { app } = makeApp();
    const room = app.channel('rooms/1');
    const first = await room.publish('message', { text: 1 }, { id: 'order-1' });
    expect(await room.publish('message', { text: 1 }, { id: 'order-1' })).toEqual({
      ...first,
      duplicate: true,
    });
    await expect(room.publish('message', { text: 2 }, { id: 'order-1' })).rejects.toMatchObject({
      code: 'ERR_ID_REUSED',
      message: expect.stringContaining('order-1'),
    });
    const { position } = await app
      .channel('rooms/2')
      .publish('message', { text: 2 }, { id: 'order-1' });
    expect(position).toContain(':1:');
  });

  it('may have 32,128 bytes, which every reply has room for, and no more', async () => {
    const app = makeApp();
    const room = app.app.channel('rooms/1');
    const id = 'i'.repeat(64);
    const size = 32_128 - JSON.stringify({ event: 'message', data: { text: '' }, id }).length;
    const text = 'é'.repeat(size / 2) + 'x'.repeat(size % 2);
    const { position } = await room.publish('message', { text }, { id });
    await expect(
      room.publish('message', { text: `${text}x` }, { id: 'j'.repeat(64) }),
    ).rejects.toMatchObject({ code: 'ERR_EVENT_TOO_LARGE' });
    // Nor may an event whose frame has exactly 32,768 bytes with its position: a reply needs more room.
    const [event] = (await room.history()).events;
    const frame = { type: 'event', channel: 'rooms/1', ...event, at: app.clock.now() };
    const spare = 32_768 - Buffer.byteLength(JSON.stringify(frame));
    expect(spare).toBeGreaterThan(0);
    await expect(
      room.publish('message', { text: text + 'x'.repeat(spare) }, { id: 'k'.repeat(64) }),
    ).rejects.toMatchObject({ code: 'ERR_EVENT_TOO_LARGE' });
    const ann = await app.connect();
    const longest = '\u0001'.repeat(64);
    const answer = await ann.sendFrame({ action: 'history', id: longest, channel: 'rooms/1' });
    expect(textsOf((answer as ReplyFrame).data as HistoryReply)).toEqual([text]);
    const start = `${position?.split(':')[0]}:0:`;
    const [outcome] = await ann.subscribe({ channel: 'rooms/1', position: start });
    expect(textsOf(outcome)).toEqual([text]);
  });
});

describe('a subscribe frame', () => {
  it('says where the client is', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const tailCheck = { afterMs: 3_000, windowMs: 20_000 };
    const [empty, news] = await ann.subscribe('rooms/1', 'news');
    expect(empty).toEqual({
      channel: 'rooms/1',
      result: 'live',
      position: expect.stringMatching(/:0:$/),
      tailCheck,
      data: { isResume: false },
    });
    expect(news).toEqual({ channel: 'news', result: 'live' });
    const position = await post(ann, 'a');
    expect(await ann.subscribe('rooms/1')).toMatchObject([{ result: 'live', position }]);
  });

  it.each([
    [0, { afterMs: 3_000, windowMs: 2_000 }],
    [201, { afterMs: 3_000, windowMs: 2_010 }],
    [2_000, { afterMs: 3_000, windowMs: 20_000 }],
    [2_001, undefined],
  ])('among %i subscribers is told when to check for the last event: %j', async (count, check) => {
    const store = memoryStore();
    const ann = await makeApp([], store).connect();
    await post(ann, 'a');
    const log = store.log as MessageLog;
    const head = await log.head({ channel: 'rooms/1', retentionSeconds: 600 });
    vi.spyOn(log, 'head').mockResolvedValue({ ...head, audience: count });
    const [outcome] = await ann.subscribe('rooms/1');
    expect((outcome as { tailCheck?: object }).tailCheck).toEqual(check);
  });

  it('with a position gets what came after it', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const first = await post(ann, 'a');
    const second = await post(ann, 'b');
    const third = await post(ann, 'c');
    const [resumed] = await ann.subscribe({ channel: 'rooms/1', position: first });
    expect(resumed).toEqual({
      channel: 'rooms/1',
      result: 'resumed',
      position: third,
      tailCheck: { afterMs: 3_000, windowMs: 2_000 },
      data: { isResume: true },
      events: [
        {
          event: 'message',
          data: { text: 'b' },
          id: expect.any(String),
          at: app.clock.now(),
          position: second,
        },
        {
          event: 'message',
          data: { text: 'c' },
          id: expect.any(String),
          at: app.clock.now(),
          position: third,
        },
      ],
    });
    const [current] = await ann.subscribe({ channel: 'rooms/1', position: third, rewind: 2 });
    expect(current).toMatchObject({ result: 'resumed', position: third, events: [] });
  });

  it('with rewind gets the latest events', async () => {
    const app = makeApp();
    const ann = await app.connect();
    for (const text of ['a', 'b', 'c']) await post(ann, text);
    for (const [rewind, texts] of [
      [0, []],
      [2, ['b', 'c']],
      [3, ['a', 'b', 'c']],
      [1e9, ['a', 'b', 'c']],
    ] as const) {
      const [outcome] = await ann.subscribe({ channel: 'rooms/1', rewind });
      expect(outcome).toMatchObject({ result: 'live' });
      expect(textsOf(outcome)).toEqual(texts);
    }
    const [two] = await ann.subscribe({ channel: 'rooms/1', rewind: 2 });
    expect(two).toMatchObject({ more: true });
  });

  it.each([-1, 0.5, '3', Number.MAX_VALUE, true, {}])(
    'with rewind %j is refused for that channel alone',
    async (rewind) => {
      const ann = await makeApp().connect();
      const outcomes = await ann.subscribe(
        { channel: 'rooms/1', rewind: rewind as number },
        'rooms/2',
      );
      expect(outcomes).toMatchObject([
        { channel: 'rooms/1', error: { code: 'ERR_FRAME_INVALID' } },
        { channel: 'rooms/2', result: 'live' },
      ]);
    },
  );

  it.each([
    '',
    'x',
    'a:1:b',
    `${'a'.repeat(12)}:01:b`,
    `${'a'.repeat(12)}:-1:b`,
    7,
    {},
    'é'.repeat(99),
  ])('with %j as position is refused for that channel alone', async (position) => {
    const ann = await makeApp().connect();
    const outcomes = await ann.subscribe(
      { channel: 'rooms/1', position: position as string },
      'rooms/2',
    );
    expect(outcomes).toMatchObject([
      {
        channel: 'rooms/1',
        error: { code: 'ERR_POSITION', message: expect.stringContaining('"position"') as string },
      },
      { channel: 'rooms/2', result: 'live' },
    ]);
  });

  it('with a position that is of no use is told why, and gets the latest events if it asked for them', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const other = await app.app.channel('rooms/2').publish('message', { text: 'x' });
    const first = await post(ann, 'a');
    const [epoch, , tag] = first.split(':');
    for (const [position, reason] of [
      [other.position, 'epoch'],
      [`${epoch}:2:${tag}`, 'forked'],
      [`${epoch}:999999999999:${tag}`, 'forked'],
      [`${epoch}:1:zzzzzz`, 'forked'],
    ] as const) {
      const [outcome] = await ann.subscribe({
        channel: 'rooms/1',
        position: position ?? '',
        rewind: 5,
      });
      expect(outcome).toMatchObject({ result: 'reset', reason, position: first });
      expect(textsOf(outcome)).toEqual(['a']);
      const [bare] = await ann.subscribe({ channel: 'rooms/1', position: position ?? '' });
      expect(bare).toMatchObject({ result: 'reset', reason, position: first });
      expect(bare).not.toHaveProperty('events');
    }
    app.clock.advance(601_000);
    const second = await post(ann, 'b');
    const [trimmed] = await ann.subscribe({
      channel: 'rooms/1',
      position: `${epoch}:0:`,
      rewind: 5,
    });
    expect(trimmed).toMatchObject({ result: 'reset', reason: 'trimmed', position: second });
    expect(textsOf(trimmed)).toEqual(['b']);
  });

  it('with a position in a channel without history begins anew', async () => {
    const ann = await makeApp().connect();
    const position = `${'a'.repeat(12)}:1:b`;
    expect(await ann.subscribe({ channel: 'news', position, rewind: 3 })).toEqual([
      { channel: 'news', result: 'reset', reason: 'no-history' },
    ]);
  });

  it('divides the frame fairly among channels, and says where more is left', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const channels = Array.from({ length: 50 }, (_, index) => `rooms/${index}`);
    const positions = new Map<string, string>();
    for (const name of channels) {
      const channel = app.app.channel(name as 'rooms/1');
      const { position } = await channel.history({ limit: 0 });
      positions.set(name, position);
      for (let index = 0; index < 100; index += 1) {
        await channel.publish('message', { text: `${index} ${'x'.repeat(200)}` });
      }
    }
    const asked = channels.map((channel) => ({
      channel,
      position: positions.get(channel) as string,
    }));
    const outcomes = await ann.subscribe(...asked);
    const counts = outcomes.map((outcome) => textsOf(outcome).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(outcomes.every((outcome) => 'more' in outcome && outcome.result === 'resumed')).toBe(
      true,
    );
    const few = await ann.subscribe(...asked.slice(0, 2));
    expect(few.map((outcome) => textsOf(outcome).length).every((count) => count > 40)).toBe(true);
  });

  it('gives a small backlog all the room that others do not need', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const channels = Array.from({ length: 50 }, (_, index) => `rooms/${index}`);
    const asked: { channel: string; position: string }[] = [];
    for (const name of channels) {
      const channel = app.app.channel(name as 'rooms/1');
      const { position } = await channel.history({ limit: 0 });
      asked.push({ channel: name, position });
    }
    for (let text = 0; text < 40; text += 1)
      await app.app.channel('rooms/7').publish('message', { text });
    const outcomes = await ann.subscribe(...asked);
    expect(textsOf(outcomes[7])).toHaveLength(40);
    expect(outcomes[7]).not.toHaveProperty('more');
  });

  it('that names a channel twice gets its events once, as its first entry asks', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/2');
    for (let index = 0; index < 40; index += 1) await post(ann, index + 'x'.repeat(1_000));
    const channel = 'rooms/1';
    const outcomes = await ann.subscribe({ channel, rewind: 100 }, { channel, rewind: 100 });
    expect(outcomes).toMatchObject([{ result: 'live', more: true }, { result: 'live' }]);
    expect(textsOf(outcomes[0]).length).toBeGreaterThan(10);
    expect(outcomes[1]).not.toHaveProperty('events');
    expect((await app.store.connections.channels(ann.id)).toSorted()).toEqual([
      'rooms/1',
      'rooms/2',
    ]);
  });

  it('reads large events one by one', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const channels = Array.from({ length: 50 }, (_, index) => `rooms/${index}`);
    for (const name of channels) {
      await app.app.channel(name as 'rooms/1').publish('message', { text: 'x'.repeat(20_000) });
    }
    const outcomes = await ann.subscribe(...channels.map((channel) => ({ channel, rewind: 1 })));
    const got = outcomes.filter((outcome) => textsOf(outcome).length === 1);
    expect(got).toHaveLength(1);
    expect(outcomes.filter((outcome) => 'more' in outcome)).toHaveLength(49);
  });

  it('is subscribed without history if the rule refuses history', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const first = await post(ann, 'a');
    const second = await post(ann, 'b');
    refused.add('history');
    const [behind] = await ann.subscribe({ channel: 'rooms/1', position: first, rewind: 3 });
    expect(behind).toMatchObject({ result: 'reset', reason: 'forbidden', position: second });
    expect(behind).not.toHaveProperty('events');
    const [current] = await ann.subscribe({ channel: 'rooms/1', position: second });
    expect(current).toMatchObject({ result: 'resumed' });
    const [rewound] = await ann.subscribe({ channel: 'rooms/1', rewind: 3 });
    expect(rewound).toMatchObject({ result: 'live', position: second });
    expect(rewound).not.toHaveProperty('events');
    limited.add('history');
    const retryAfterMs = 1_000;
    for (const wish of [{ rewind: 3 }, { position: first }]) {
      expect(await ann.subscribe({ channel: 'rooms/1', ...wish })).toMatchObject([
        { error: { code: 'ERR_RATE_LIMIT', retryAfterMs } },
      ]);
    }
    limited.clear();
    refused.add('subscribe');
    expect(await ann.subscribe({ channel: 'rooms/1', position: second })).toMatchObject([
      { error: { code: 'ERR_FORBIDDEN' } },
    ]);
  });
});
