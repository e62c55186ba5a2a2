// The log in Redis when answers are lost, the server is full, or a fail-over forgets the end of a log.
import type { MessageLog } from '@gatecast/framework';
import type { TimeLimit } from '@gatecast/framework/adapter';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Around, interceptCommands } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import {
  ALL,
  append,
  appendMany,
  CHANNEL,
  copyOf,
  namesOf,
  pageOf,
  resetOf,
} from './redis-log-records.js';
import { failureOf, openStore } from './redis-records.js';

describeRedis('the log of redisStore(), when something fails', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const openWith = (around: Around, keyPrefix?: string) =>
    openStore({
      client: interceptCommands(server.admin, around),
      ...(keyPrefix !== undefined && { keyPrefix }),
    });

  it('answers an append whose answer was lost like the first time', async () => {
    await using other = openStore({ url: server.url });
    let meanwhile = async (): Promise<unknown> => undefined;
    await using store = openWith(async (send) => {
      await send();
      await meanwhile();
      return send();
    }, other.keyPrefix);
    const { entry, isDuplicate } = await append(store.log, 'a');
    expect(isDuplicate).toBe(false);
    expect(entry).toMatchObject({ position: { offset: 1 }, prev: '', payload: '{"data":"a"}' });
    // Others come between the two.
    meanwhile = () => appendMany(other.log, { to: 5 });
    const next = await append(store.log, 'b');
    expect(next).toMatchObject({ isDuplicate: false, entry: { position: { offset: 2 } } });
    meanwhile = () => append(other.log, 'c');
    expect((await append(store.log, 'c')).isDuplicate).toBe(false);
    expect((await append(other.log, 'c')).isDuplicate).toBe(true);
    meanwhile = () => other.log.purge(CHANNEL);
    const purged = await append(store.log, 'd');
    expect(purged.isDuplicate).toBe(false);
    expect(purged.entry).not.toHaveProperty('payload');
    meanwhile = async () => undefined;
    expect((await append(store.log, 'a')).isDuplicate).toBe(true);
    await store.log.purge(CHANNEL);
    await append(store.log, 'e');
    expect(namesOf(pageOf(await store.log.readBefore(ALL)).entries)).toEqual(['e']);
  });

  it('begins one log although the first answer was lost', async () => {
    await using store = openWith(async (send) => {
      await send();
      return send();
    });
    for (const [channel, begin] of [
      ['rooms/1', () => store.log.head(CHANNEL)],
      [
        'rooms/2',
        async () => pageOf(await store.log.readBefore({ ...ALL, channel: 'rooms/2' })).head,
      ],
    ] as const) {
      const { position } = await begin();
      expect((await append(store.log, 'a', { channel })).entry.position.epoch).toBe(position.epoch);
    }
  });

  it('sends no append later than a minute after its call began', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await using store = openWith(async () => {
        vi.setSystemTime(Date.now() + 60_000);
        throw new Error('NOSCRIPT');
      });
      const error = await failureOf(append(store.log, 'a'));
      expect(error.message).toContain('it ran out of time');
      expect(await server.admin.keys(`${store.keyPrefix}*`)).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('notices by its tags that a fail-over has forgotten the end of a log', async () => {
    await using store = openStore({ url: server.url });
    const { log, keyPrefix } = store;
    const [, second] = (await appendMany(log, { to: 2 })) as [Position, Position];
    const failOver = await copyOf(server.admin, keyPrefix);
    const [third, fourth] = (await appendMany(log, { from: 3, to: 4 })) as [Position, Position];
    await failOver();
    expect((await log.head(CHANNEL)).position).toEqual(second);
    for (const lost of [third, fourth]) {
      expect(resetOf(await log.readAfter({ ...ALL, after: lost }))).toBe('forked');
    }
    // The offsets are used again, one of them even for the same key.
    const again = await appendMany(log, { from: 4, to: 6 });
    expect(again.map(({ offset }) => offset)).toEqual([3, 4, 5]);
    for (const lost of [third, fourth]) {
      expect(resetOf(await log.readAfter({ ...ALL, after: lost }))).toBe('forked');
      expect(resetOf(await log.readBefore({ ...ALL, before: lost }))).toBe('forked');
    }
    const { entries } = pageOf(await log.readAfter({ ...ALL, after: second }));
    expect(namesOf(entries)).toEqual([4, 5, 6]);
    expect(entries[1]?.prev).toBe(again[0]?.tag);
    expect(entries[1]?.prev).not.toBe(third.tag);
    expect((await append(log, 3)).isDuplicate).toBe(false);
  });

  it('goes on where it was if the same publishes are sent again after a fail-over', async () => {
    await using store = openStore({ url: server.url });
    const { log, keyPrefix } = store;
    const [first] = (await appendMany(log, { to: 1 })) as [Position];
    const failOver = await copyOf(server.admin, keyPrefix);
    const lost = await appendMany(log, { from: 2, to: 3 });
    await failOver();
    expect(await appendMany(log, { from: 2, to: 3 })).toEqual(lost);
    expect(namesOf(pageOf(await log.readAfter({ ...ALL, after: first })).entries)).toEqual([2, 3]);
    await failOver();
    // Another content under the same key is another entry.
    const [changed] = await appendMany(log, { from: 2, to: 2 }, { hash: 'another' });
    expect(changed).toMatchObject({ offset: 2 });
    const [after] = lost as [Position];
    expect(resetOf(await log.readAfter({ ...ALL, after }))).toBe('forked');
  });

  it('says that the server is full, writes nothing, and still removes what has expired', async () => {
    let now = Date.now();
    await using full = await RedisServer.start('--maxmemory-policy', 'noeviction');
    await using store = openStore({ url: full.url, now: () => now });
    const { log, keyPrefix } = store;
    const [, second] = (await appendMany(log, { to: 6 })) as [Position, Position];
    const contents = async () => [
      await full.admin.hgetall(`${keyPrefix}h:{rooms/1}`),
      (await full.admin.keys(`${keyPrefix}*`)).length,
    ];
    const before = await contents();
    await full.admin.config('SET', 'maxmemory', '1mb');
    const refused = {
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining('The server is full (OOM, maxmemory).'),
    };
    for (const over of [{}, { channel: 'rooms/2' }]) {
      expect(await failureOf(append(log, 'x', over))).toMatchObject(refused);
    }
    expect(await failureOf(log.head({ ...CHANNEL, channel: 'rooms/2' }))).toMatchObject(refused);
    expect(await contents()).toEqual(before);
    const { entries } = pageOf(await log.readAfter({ ...ALL, after: second, keep: true }));
    expect(namesOf(entries)).toEqual([3, 4, 5, 6]);
    expect((await append(log, 1)).entry.payload).toBe('{"data":1}');
    expect(await full.admin.xlen(`${keyPrefix}l:{rooms/1}`)).toBe(6);

    now += 700_000;
    expect(await failureOf(append(log, 'x'))).toMatchObject(refused);
    expect(await full.admin.xlen(`${keyPrefix}l:{rooms/1}`)).toBe(2);
    await log.purge(CHANNEL);
    await full.admin.config('SET', 'maxmemory', '0');
    expect((await append(log, 'x')).entry.position.offset).toBe(7);
  });

  it('says that a key has the wrong type', async () => {
    await using store = openStore({ url: server.url });
    await store.log.head({ ...CHANNEL, channel: 'rooms/2' });
    await server.admin.set(`${store.keyPrefix}h:{rooms/1}`, 'other');
    await server.admin.set(`${store.keyPrefix}l:{rooms/2}`, 'other');
    for (const channel of ['rooms/1', 'rooms/2']) {
      const error = await failureOf(append(store.log, 'a', { channel }));
      expect(error.message).toContain('refused to append an event: A key of the store has');
    }
  });

  const methods: Record<string, (log: MessageLog, limit: TimeLimit) => Promise<unknown>> = {
    append: (log, limit) => {
      const request = { ...CHANNEL, key: 'k'.repeat(16), hash: 'h', payload: '{}' };
      return log.append({ ...request, onOtherHash: 'refuse' }, limit);
    },
    head: (log, limit) => log.head(CHANNEL, limit),
    readAfter: (log, limit) => log.readAfter({ ...ALL, after: position }, limit),
    readBefore: (log, limit) => log.readBefore(ALL, limit),
    purge: (log, limit) => log.purge(CHANNEL, limit),
  };
  const position = { epoch: 'e'.repeat(12), offset: 0, tag: '' };

  describe.each(Object.entries(methods))('%s', (_name, run) => {
    it('sends nothing after the end of its time or after the signal was aborted', async () => {
      const sent: string[] = [];
      await using store = openWith(async (send, command) => {
        sent.push(command);
        return send();
      });
      const over = await failureOf(run(store.log, { endsAt: Date.now() }));
      expect(over.message).toContain(': it ran out of time.');
      const reason = new Error('no longer wanted');
      await expect(run(store.log, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(sent).toEqual([]);
    });

    it('ends at its time limit, or when the signal is aborted, if the server does not answer', async () => {
      const controller = new AbortController();
      const reason = new Error('no longer wanted');
      await using store = openWith(() => {
        controller.abort(reason);
        return new Promise<never>(() => {});
      });
      const over = await failureOf(run(store.log, { endsAt: Date.now() + 50 }));
      expect(over).toMatchObject({ retryable: true });
      await expect(run(store.log, { signal: controller.signal })).rejects.toBe(reason);
    });

    it('takes one command', async () => {
      const sent: string[] = [];
      await using store = openWith(async (send, command) => {
        sent.push(command);
        return send();
      });
      await run(store.log, {});
      expect(sent).toHaveLength(1);
    });
  });
});

type Position = Awaited<ReturnType<typeof appendMany>>[number];
