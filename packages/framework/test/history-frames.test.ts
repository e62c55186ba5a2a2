import { ClientError, type MessageLog, memoryStore, StoreError } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import type { HistoryReply, ReplyFrame, SubscribeOutcome, SyncReply } from '@gatecast/protocol';
import { describe, expect, it, vi } from 'vitest';
import {
  history,
  makeApp,
  NewsChannel,
  post,
  RoomChannel,
  refused,
  textsOf,
} from './history-app.js';

/** What a store is told of `rooms/1`. */
const room = { channel: 'rooms/1', retentionSeconds: 600, maxEntries: 1_000 };

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

  it('leaves out the events that are farthest from what was asked for', async () => {
    const app = makeApp();
    const ann = await app.connect();
    const room = app.app.channel('rooms/1');
    const { position: start } = await room.history({ limit: 0 });
    // All payloads would fit into one frame, but not with their positions.
    const all = Array.from({ length: 400 }, (_, index) => index + 1);
    for (const text of all) await room.publish('message', { text });
    const ask = async (wish: object) => (await ann.subscribe({ channel: 'rooms/1', ...wish }))[0];
    for (const reply of [
      await history(ann, { after: start, limit: 400 }),
      await ask({ position: start }),
    ]) {
      const texts = textsOf(reply);
      expect(texts.length).toBeGreaterThan(100);
      expect(texts.length).toBeLessThan(400);
      expect(texts).toEqual(all.slice(0, texts.length));
      expect(reply).toHaveProperty('more', true);
    }
    const lost = `${'a'.repeat(12)}:1:x`;
    for (const reply of [
      await history(ann, { limit: 400 }),
      await ask({ rewind: 400 }),
      await ask({ position: lost, rewind: 400 }),
    ]) {
      const texts = textsOf(reply);
      expect(texts.length).toBeGreaterThan(100);
      expect(texts.length).toBeLessThan(400);
      expect(texts).toEqual(all.slice(-texts.length));
      expect(reply).toHaveProperty('more', true);
    }
  });

  it('fills its frame to the last byte', async () => {
    const read = async (size: number) => {
      const ann = await makeApp().connect();
      await post(ann, 'x'.repeat(16_000));
      await post(ann, 'x'.repeat(size));
      const answer = await ann.sendFrame({ action: 'history', id: 'h', channel: 'rooms/1' });
      const count = textsOf((answer as ReplyFrame).data as HistoryReply).length;
      return { bytes: Buffer.byteLength(JSON.stringify(answer)), count };
    };
    // Room is left for the comma that one more event would need, and for `more`.
    const spare = 32_768 - ',,"more":true'.length + 1 - (await read(0)).bytes - 1;
    expect(await read(spare)).toEqual({ bytes: 32_768 - ',,"more":true'.length, count: 2 });
    expect(await read(spare + 1)).toMatchObject({ count: 1 });
  });

  it.each([
    [{ limit: -1 }, 'ERR_FRAME_INVALID', '"limit"'],
    [{ limit: 1.5 }, 'ERR_FRAME_INVALID', '"limit"'],
    [{ limit: '5' }, 'ERR_FRAME_INVALID', '"limit"'],
    [{ after: 'x' }, 'ERR_POSITION', '"after"'],
    [{ before: 5 }, 'ERR_POSITION', '"before"'],
    [
      { after: `${'a'.repeat(12)}:0:`, before: `${'a'.repeat(12)}:1:x` },
      'ERR_FRAME_INVALID',
      'not both',
    ],
    [{ channel: 'news' }, 'ERR_NO_HISTORY', '"news"'],
    [{ channel: 'nope' }, 'ERR_CHANNEL_UNKNOWN', '"nope"'],
    [{ channel: 'rooms/#' }, 'ERR_CHANNEL_NAME', '"rooms/#"'],
    [{ channel: 7 }, 'ERR_FRAME_INVALID', '"channel"'],
    [{ id: '' }, 'ERR_FRAME_INVALID', '"id"'],
  ])('with %j is refused with %s', async (range, code, says) => {
    const ann = await makeApp().connect();
    const frame = { action: 'history', id: 'h', channel: 'rooms/1', ...range };
    const message = expect.stringContaining(says) as string;
    expect(await ann.sendFrame(frame)).toMatchObject({ type: 'error', error: { code, message } });
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
    for (const range of [{ after: `${'a'.repeat(12)}:0:` }, { before: `${'a'.repeat(12)}:1:x` }]) {
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
      [second.replace(':2:', ':3:'), 'resubscribe'],
      [`${second.slice(0, -1)}-`, 'resubscribe'],
      [`${'a'.repeat(12)}:2:x`, 'resubscribe'],
      [`${'a'.repeat(12)}:1:x`, 'resubscribe'],
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
            { channel: 'rooms/2', result: 'not-subscribed' },
            { channel: 'news', error: { code: 'ERR_NO_HISTORY' } },
            {
              channel: 'rooms/1',
              error: {
                code: 'ERR_POSITION',
                message: expect.stringContaining('"position"') as string,
              },
            },
            { channel: 'nope', error: { code: 'ERR_CHANNEL_UNKNOWN' } },
          ],
        },
      },
    );
    expect(await ask({ 'rooms/1': null })).toMatchObject({
      data: { channels: [{ error: { code: 'ERR_POSITION' } }] },
    });
    refused.add('subscribe');
    expect(await ask({ 'rooms/1': second })).toMatchObject({
      data: { channels: [{ error: { code: 'ERR_FORBIDDEN' } }] },
    });
  });

  it('reports why it could not compare, and that the client knows', async () => {
    const onError = vi.fn();
    const store = memoryStore();
    const failure = StoreError.of({ store: 'x', operation: 'read', reason: 'It is down.' });
    vi.spyOn(store.log as MessageLog, 'head').mockRejectedValue(failure);
    const app = makeApp([{ name: 'p', onError }], store);
    const ann = await app.connect();
    await store.connections.subscribe(ann.id, ['rooms/1'], { maxChannels: 9, maxBytes: 999 });
    const positions = { 'rooms/1': `${'a'.repeat(12)}:1:x`, 'rooms/#': 'x' };
    const { data } = (await ann.sendFrame({ action: 'sync', id: 's', positions })) as ReplyFrame;
    expect(data).toMatchObject({ channels: [{ error: {} }, { error: {} }] });
    const ctx = expect.objectContaining({ isAnswered: true }) as object;
    expect(onError.mock.calls).toHaveLength(2);
    expect(onError).toHaveBeenCalledWith(failure, ctx);
    expect(onError).toHaveBeenCalledWith(expect.any(ClientError), ctx);
  });

  it.each([undefined, null, [], ['x'], {}, 'x'])(
    'with %j as positions is refused',
    async (positions) => {
      const ann = await makeApp().connect();
      const frame = { action: 'sync', id: 's', positions };
      expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_FRAME_INVALID' } });
    },
  );

  it('has room for the errors of the longest names and values', async () => {
    const ann = await makeApp().connect();
    const positions = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`rooms/${index}`.padEnd(200, 'x'), '€'.repeat(80)]),
    );
    const answer = await ann.sendFrame({ action: 'sync', id: 's', positions });
    const { channels } = (answer as ReplyFrame).data as SyncReply;
    expect(channels).toHaveLength(50);
    expect(channels.every((channel) => 'error' in channel)).toBe(true);
  });

  it('names at most 50 channels', async () => {
    const ann = await makeApp().connect();
    const names = Array.from({ length: 51 }, (_, index) => [`rooms/${index}`, 'x']);
    const frame = { action: 'sync', id: 's', positions: Object.fromEntries(names) };
    expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_CHANNEL_LIMIT' } });
  });
});

describe('the history of a channel on the server', () => {
  it.each([{ before: 'x' }, { limit: 1 }, 'x'])(
    'is not purged with an option: %j',
    async (given) => {
      const room = makeApp().app.channel('rooms/1');
      await room.publish('message', { text: 1 });
      const purge = room.purge.bind(room) as (options: unknown) => Promise<void>;
      await expect(purge(given)).rejects.toThrow('purge()');
      expect((await room.history()).events).toHaveLength(1);
    },
  );

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
    [{ after: 'x' }, 'ERR_HISTORY_POSITION', /"rooms\/1".*"x".*after/],
    [{ before: 'a:b:c' }, 'ERR_HISTORY_POSITION', /"rooms\/1".*"a:b:c".*before/],
    [{ limit: -1 }, 'ERR_OPTION_VALUE', /history\(\).*-1.*limit/],
    [{ limit: 1_001 }, 'ERR_OPTION_VALUE', /history\(\).*1001.*limit/],
    [{ from: 1 }, 'ERR_OPTION_UNKNOWN', /history\(\).*from/],
    [{ after: 'x', before: 'x' }, 'ERR_OPTION_CONFLICT', /history\(\).*after.*before/],
  ])('is refused for %j', async (range, code, says) => {
    const { app } = makeApp();
    const message = expect.stringMatching(says) as string;
    await expect(app.channel('rooms/1').history(range as object)).rejects.toMatchObject({
      code,
      message,
    });
  });

  it('is read in pages of 100 events and of 1 MB, unless fewer are asked for', async () => {
    const store = memoryStore();
    const read = vi.spyOn(store.log as MessageLog, 'readBefore');
    const { app } = makeApp([], store);
    await app.channel('rooms/1').history();
    await app.channel('rooms/1').history({ limit: 1_000 });
    const request = { ...room, maxBytes: 1_048_576 };
    expect(read.mock.calls.map(([asked]) => asked)).toStrictEqual([
      { ...request, limit: 100 },
      { ...request, limit: 1_000 },
    ]);
  });

  it('is refused for a channel without history', async () => {
    const { app } = makeApp();
    const news = app.channel('news');
    const off = { code: 'ERR_HISTORY_OFF', message: expect.stringContaining('"news"') as string };
    await expect(news.history()).rejects.toMatchObject(off);
    await expect(news.purge()).rejects.toMatchObject(off);
    const unknown = { code: 'ERR_PUBLISH_UNKNOWN_CHANNEL' };
    const rooms = app.channel('rooms' as 'news');
    await expect(rooms.purge()).rejects.toMatchObject(unknown);
    await expect(rooms.history()).rejects.toMatchObject(unknown);
  });
});

describe('the log', () => {
  it('has to outlive each position that a subscriber uses, but not one that is only read', async () => {
    const store = memoryStore();
    const log = store.log as MessageLog;
    const reads = (['head', 'readAfter', 'readBefore'] as const).map((name) => vi.spyOn(log, name));
    const app = makeApp([], store);
    const ann = await app.connect();
    const keeps = async (...steps: (() => Promise<unknown>)[]) => {
      for (const read of reads) read.mockClear();
      for (const step of steps) await step();
      return reads.flatMap(({ mock }) => mock.calls.map(([{ keep }]) => keep));
    };
    const channel = 'rooms/1';
    const position = await post(ann, 'a');
    expect(
      await keeps(
        () => ann.subscribe(channel),
        () => ann.subscribe({ channel, position }),
        () => ann.subscribe({ channel, rewind: 1 }),
        () => ann.sendFrame({ action: 'sync', id: 's', positions: { [channel]: position } }),
      ),
    ).toEqual([true, true, true, true]);
    expect(await keeps(() => history(ann, {}))).toEqual([undefined]);
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

it('a plugin that swallows the refusal of another one does not give access to the history', async () => {
  const app = makeApp([
    {
      name: 'swallow',
      async onHistory(_ctx, next) {
        await next().catch(() => {});
      },
    },
    { name: 'refuse', onHistory() {} },
  ]);
  const ann = await app.connect();
  const position = await post(ann, 'a');
  const frame = { action: 'history', id: 'h', channel: 'rooms/1' };
  expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_FORBIDDEN' } });
  const [outcome] = await ann.subscribe({ channel: 'rooms/1', rewind: 1 });
  expect(outcome).toMatchObject({ result: 'live', position });
  expect(outcome).not.toHaveProperty('events');
});

describe('a store that fails', () => {
  const plugins = [{ name: 'silent', onError() {} }];
  function brokenLog(methods: object) {
    const store = memoryStore();
    const log = store.log as MessageLog;
    const append: MessageLog['append'] = (...args) => log.append(...args);
    const head: MessageLog['head'] = (...args) => log.head(...args);
    return { ...store, log: { contract: 1, append, head, ...methods } as MessageLog };
  }

  it('fails a publish before anything is delivered', async () => {
    const fail = async () => Promise.reject(new Error('the disk is full'));
    const app = createTestApp({
      channels: [RoomChannel],
      plugins,
      store: brokenLog({ append: fail }),
    });
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    expect(await ann.send('rooms.post', 'rooms/1', 'a')).toMatchObject({
      type: 'error',
      error: { code: 'ERR_INTERNAL' },
    });
    expect(ann.events).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the log says so', async () => ({ result: 'unknown' })],
    [
      'the log fails',
      () =>
        Promise.reject(StoreError.of({ store: 'x', operation: 'append', reason: 'It is away.' })),
    ],
  ])(
    'tells a client if the outcome of its message is unknown, because %s',
    async (_why, append) => {
      const app = createTestApp({ channels: [RoomChannel], plugins, store: brokenLog({ append }) });
      const ann = await app.connect();
      expect(await ann.send('rooms.post', 'rooms/1', 'a')).toMatchObject({
        type: 'error',
        error: { code: 'ERR_OUTCOME_UNKNOWN' },
      });
    },
  );

  it('refuses a subscription whose missed events cannot be read, and ends its membership', async () => {
    const readAfter = async () => Promise.reject(new Error('gone'));
    const store = brokenLog({ readAfter });
    const app = createTestApp({ channels: [RoomChannel], plugins, store });
    const ann = await app.connect();
    const position = await post(ann, 'a');
    expect(await ann.subscribe({ channel: 'rooms/1', position })).toMatchObject([
      { error: { code: 'ERR_INTERNAL' } },
    ]);
    expect(await store.connections.channels(ann.id)).toEqual([]);
  });
});
