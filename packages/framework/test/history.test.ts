import {
  Channel,
  type ChannelType,
  type MessageContext,
  type MessageLog,
  memoryStore,
  OnMessage,
  OnSubscribe,
  type Plugin,
  type SubscribeContext,
} from '@gatecast/framework';
import { createTestApp, type TestConnection } from '@gatecast/framework/testing';
import type { HistoryReply, ReplyFrame, SubscribeOutcome } from '@gatecast/protocol';
import { describe, expect, it } from 'vitest';

type Room = ChannelType<'rooms/:roomId', { message: { text: unknown } }>;

const refused = new Set<string>();

@Channel('rooms/:roomId', {
  history: { retentionSeconds: 600, maxEntries: 1_000 },
  access: ({ operation }) => !refused.has(operation),
})
class RoomChannel {
  @OnSubscribe()
  join({ isResume }: SubscribeContext<Room>) {
    return { isResume };
  }

  @OnMessage()
  post(text: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text });
  }

  @OnMessage()
  hint(text: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text }, { ephemeral: true });
  }

  @OnMessage()
  now(_: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text: Math.random() });
  }
}

@Channel('news')
class NewsChannel {}

function makeApp(plugins: readonly Plugin[] = []) {
  refused.clear();
  return createTestApp({ channels: [RoomChannel, NewsChannel], plugins });
}

async function post(connection: TestConnection, text: unknown): Promise<string> {
  const answer = await connection.send('rooms.post', 'rooms/1', text);
  return ((answer as ReplyFrame).data as { position: string }).position;
}

async function history(connection: TestConnection, range: object): Promise<HistoryReply> {
  const answer = await connection.sendFrame({
    action: 'history',
    id: 'h',
    channel: 'rooms/1',
    ...range,
  });
  expect(answer).toMatchObject({ type: 'reply', id: 'h' });
  return (answer as ReplyFrame).data as HistoryReply;
}

function textsOf(reply: HistoryReply | SubscribeOutcome | undefined): unknown[] {
  const { events = [] } = reply as { events?: readonly { data: { text: unknown } }[] };
  return events.map(({ data }) => data.text);
}

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
    const tailCheck = { afterMs: 3_000, windowMs: 2_000 };
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
      { channel: 'rooms/1', error: { code: 'ERR_POSITION' } },
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
    refused.add('subscribe');
    expect(await ann.subscribe({ channel: 'rooms/1', position: second })).toMatchObject([
      { error: { code: 'ERR_FORBIDDEN' } },
    ]);
  });
});

describe('a history frame', () => {
  it('reads pages in both directions', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const positions: string[] = [];
    for (const text of [1, 2, 3, 4, 5]) positions.push(await post(ann, text));
    const [p1, p2, p3, , p5] = positions;
    const page = { result: 'page', position: p5 };
    const all = await history(ann, {});
    expect(all).toMatchObject(page);
    expect(all).not.toHaveProperty('more');
    expect(textsOf(all)).toEqual([1, 2, 3, 4, 5]);
    for (const [range, texts, more] of [
      [{ limit: 2 }, [4, 5], true],
      [{ after: p2, limit: 2 }, [3, 4], true],
      [{ after: p2, limit: 3 }, [3, 4, 5], undefined],
      [{ after: p5 }, [], undefined],
      [{ before: p3, limit: 1 }, [2], true],
      [{ before: p3, limit: 1e6 }, [1, 2], undefined],
      [{ before: p1 }, [], undefined],
    ] as const) {
      const reply = await history(ann, range);
      expect(textsOf(reply)).toEqual(texts);
      expect(reply).toMatchObject(page);
      expect((reply as { more?: true }).more).toBe(more);
    }
    expect(await history(ann, { limit: 0 })).toEqual({ ...page, events: [] });
  });

  it('fits its page into a frame', async () => {
    const app = makeApp();
    const ann = await app.connect();
    for (let index = 0; index < 5; index += 1) await post(ann, index + 'é'.repeat(5_000));
    const start = `${(await history(ann, {})).position.split(':')[0]}:0:`;
    const first = await history(ann, { after: start });
    expect(textsOf(first)).toHaveLength(3);
    expect(first).toHaveProperty('more', true);
    const latest = await history(ann, {});
    expect(textsOf(latest).map((text) => (text as string)[0])).toEqual(['2', '3', '4']);
  });

  it.each([
    [{ limit: -1 }, 'ERR_FRAME_INVALID'],
    [{ limit: 1.5 }, 'ERR_FRAME_INVALID'],
    [{ limit: '5' }, 'ERR_FRAME_INVALID'],
    [{ after: 'x' }, 'ERR_POSITION'],
    [{ before: 5 }, 'ERR_POSITION'],
    [{ after: `${'a'.repeat(12)}:0:`, before: `${'a'.repeat(12)}:1:` }, 'ERR_FRAME_INVALID'],
    [{ channel: 'news' }, 'ERR_NO_HISTORY'],
    [{ channel: 'nope' }, 'ERR_CHANNEL_UNKNOWN'],
    [{ channel: 7 }, 'ERR_FRAME_INVALID'],
    [{ id: '' }, 'ERR_FRAME_INVALID'],
  ])('with %j is refused with %s', async (range, code) => {
    const ann = await makeApp().connect();
    const frame = { action: 'history', id: 'h', channel: 'rooms/1', ...range };
    expect(await ann.sendFrame(frame)).toMatchObject({ type: 'error', error: { code } });
  });

  it('is refused where the rule refuses it', async () => {
    const ann = await makeApp().connect();
    refused.add('history');
    const frame = { action: 'history', id: 'h', channel: 'rooms/1' };
    expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_FORBIDDEN' } });
  });

  it('is an unknown action in an app without history', async () => {
    const app = createTestApp({ channels: [NewsChannel] });
    const ann = await app.connect();
    for (const action of ['history', 'sync']) {
      const frame = { action, id: 'h', channel: 'news', positions: { news: '' } };
      expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_ACTION_UNKNOWN' } });
      expect(app.app.manifest.routes.some(({ routeKey }) => routeKey === action)).toBe(false);
    }
  });

  it('is told if its position is of no use', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const position = await post(ann, 'a');
    for (const range of [{ after: `${'a'.repeat(12)}:0:` }, { before: `${'a'.repeat(12)}:1:` }]) {
      expect(await history(ann, range)).toEqual({ result: 'reset', reason: 'epoch', position });
    }
  });
});

describe('a sync frame', () => {
  it('compares positions with the ends of the logs', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'news');
    const first = await post(ann, 'a');
    const second = await post(ann, 'b');
    const ask = async (positions: object) => ann.sendFrame({ action: 'sync', id: 's', positions });
    for (const [position, result] of [
      [first, 'behind'],
      [second, 'current'],
      [second.replace(':2:', ':3:'), 'resume'],
      [`${second.slice(0, -1)}-`, 'resume'],
      [`${'a'.repeat(12)}:2:x`, 'resume'],
    ] as const) {
      expect(await ask({ 'rooms/1': position })).toEqual({
        type: 'reply',
        id: 's',
        data: { channels: [{ channel: 'rooms/1', result }] },
        server: expect.objectContaining({ resendWithinMs: 300_000, now: app.clock.now() }),
      });
    }
    expect(await ask({ 'rooms/2': first, news: first, 'rooms/1': 'x', nope: first })).toMatchObject(
      {
        data: {
          channels: [
            { channel: 'rooms/2', result: 'unsubscribed' },
            { channel: 'news', error: { code: 'ERR_NO_HISTORY' } },
            { channel: 'rooms/1', error: { code: 'ERR_POSITION' } },
            { channel: 'nope', error: { code: 'ERR_CHANNEL_UNKNOWN' } },
          ],
        },
      },
    );
    refused.add('subscribe');
    expect(await ask({ 'rooms/1': second })).toMatchObject({
      data: { channels: [{ error: { code: 'ERR_FORBIDDEN' } }] },
    });
  });

  it.each([undefined, null, [], {}, 'x'])('with %j as positions is refused', async (positions) => {
    const ann = await makeApp().connect();
    const frame = { action: 'sync', id: 's', positions };
    expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_FRAME_INVALID' } });
  });

  it('names at most 50 channels', async () => {
    const ann = await makeApp().connect();
    const names = Array.from({ length: 51 }, (_, index) => [`rooms/${index}`, 'x']);
    const frame = { action: 'sync', id: 's', positions: Object.fromEntries(names) };
    expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_CHANNEL_LIMIT' } });
  });
});

describe('the history of a channel on the server', () => {
  it('is read in both directions, and purged', async () => {
    const app = makeApp();
    const room = app.app.channel('rooms/1');
    for (const text of [1, 2, 3]) await room.publish('message', { text }, { id: `e${text}` });
    const page = await room.history();
    expect(page).toEqual({
      events: [1, 2, 3].map((text) => ({
        event: 'message',
        data: { text },
        id: `e${text}`,
        at: new Date(app.clock.now()),
        position: expect.stringContaining(`:${text}:`),
      })),
      more: false,
      position: page.events[2]?.position,
    });
    const after = page.events[0]?.position ?? '';
    expect((await room.history({ after, limit: 1 })).events.map(({ id }) => id)).toEqual(['e2']);
    expect((await room.history({ before: page.position })).events.map(({ id }) => id)).toEqual([
      'e1',
      'e2',
    ]);
    await room.purge();
    expect(await room.history()).toMatchObject({ events: [], position: page.position });
    expect(await room.history({ after })).toEqual({
      events: [],
      more: false,
      position: page.position,
      reset: 'trimmed',
    });
    const again = await room.publish('message', { text: 2 }, { id: 'e2' });
    expect(again).toMatchObject({ duplicate: true, delivery: { delivered: 0 } });
    const next = await room.publish('message', { text: 4 });
    expect(next.position).toContain(':4:');
  });

  it.each([
    [{ after: 'x' }, 'ERR_HISTORY_POSITION'],
    [{ before: 'a:b:c' }, 'ERR_HISTORY_POSITION'],
    [{ limit: -1 }, 'ERR_OPTION_VALUE'],
    [{ limit: 1_001 }, 'ERR_OPTION_VALUE'],
    [{ from: 1 }, 'ERR_OPTION_UNKNOWN'],
    [{ after: 'x', before: 'x' }, 'ERR_OPTION_CONFLICT'],
  ])('is refused for %j', async (range, code) => {
    const { app } = makeApp();
    await expect(app.channel('rooms/1').history(range as object)).rejects.toMatchObject({ code });
  });

  it('is refused for a channel without history', async () => {
    const { app } = makeApp();
    const news = app.channel('news');
    await expect(news.history()).rejects.toMatchObject({ code: 'ERR_HISTORY_OFF' });
    await expect(news.purge()).rejects.toMatchObject({ code: 'ERR_HISTORY_OFF' });
    await expect(app.channel('rooms' as 'news').purge()).rejects.toMatchObject({
      code: 'ERR_PUBLISH_UNKNOWN_CHANNEL',
    });
  });
});

describe('the hook onHistory', () => {
  it('runs around every read by a client, and can refuse it', async () => {
    const seen: unknown[] = [];
    let isOpen = true;
    const app = makeApp([
      {
        name: 'audit',
        async onHistory({ connection, ...ctx }, next) {
          seen.push({ ...ctx, id: connection.id });
          if (isOpen) await next();
        },
      },
    ]);
    const ann = await app.connect();
    const position = await post(ann, 'a');
    const start = `${position.split(':')[0]}:0:`;
    const read = async () => [
      (await ann.subscribe('rooms/1'))[0],
      (await ann.subscribe({ channel: 'rooms/1', rewind: 1 }))[0],
      (await ann.subscribe({ channel: 'rooms/1', position: start }))[0],
      await ann.sendFrame({ action: 'history', id: 'h', channel: 'rooms/1' }),
    ];
    const [, rewound, resumed, page] = await read();
    expect([textsOf(rewound as SubscribeOutcome), textsOf(resumed as SubscribeOutcome)]).toEqual([
      ['a'],
      ['a'],
    ]);
    expect(page).toMatchObject({ type: 'reply' });
    const ctx = { channel: 'rooms/1', params: { roomId: '1' }, id: ann.id };
    expect(seen).toEqual([
      { ...ctx, kind: 'rewind' },
      { ...ctx, kind: 'resume' },
      { ...ctx, kind: 'page' },
    ]);
    isOpen = false;
    const [, ...others] = await read();
    expect(others).toMatchObject([
      { result: 'live' },
      { result: 'reset', reason: 'forbidden' },
      { type: 'error', error: { code: 'ERR_FORBIDDEN' } },
    ]);
  });
});

describe('a store that fails', () => {
  function brokenLog(methods: object) {
    const store = memoryStore();
    const log = store.log as MessageLog;
    const append: MessageLog['append'] = (...args) => log.append(...args);
    const head: MessageLog['head'] = (...args) => log.head(...args);
    return { ...store, log: { contract: 1, append, head, ...methods } as MessageLog };
  }

  it('fails a publish before anything is delivered', async () => {
    const fail = async () => Promise.reject(new Error('the disk is full'));
    const app = createTestApp({ channels: [RoomChannel], store: brokenLog({ append: fail }) });
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    expect(await ann.send('rooms.post', 'rooms/1', 'a')).toMatchObject({
      type: 'error',
      error: { code: 'ERR_INTERNAL' },
    });
    expect(ann.events).toEqual([]);
  });

  it('tells a client if the outcome of its message is unknown', async () => {
    const append = async () => ({ result: 'unknown' });
    const app = createTestApp({ channels: [RoomChannel], store: brokenLog({ append }) });
    const ann = await app.connect();
    expect(await ann.send('rooms.post', 'rooms/1', 'a')).toMatchObject({
      type: 'error',
      error: { code: 'ERR_OUTCOME_UNKNOWN' },
    });
  });

  it('refuses a subscription whose missed events cannot be read, and ends its membership', async () => {
    const readAfter = async () => Promise.reject(new Error('gone'));
    const store = brokenLog({ readAfter });
    const app = createTestApp({ channels: [RoomChannel], store });
    const ann = await app.connect();
    const position = await post(ann, 'a');
    expect(await ann.subscribe({ channel: 'rooms/1', position })).toMatchObject([
      { error: { code: 'ERR_INTERNAL' } },
    ]);
    expect(await store.connections.channels(ann.id)).toEqual([]);
  });
});
