// How long the log in Redis keeps what.
import { TestClock } from '@gatecast/framework/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import {
  ALL,
  append,
  appendMany,
  CHANNEL,
  namesOf,
  pageOf,
  RETENTION_MS,
  resetOf,
} from './redis-log-records.js';
import { openStore } from './redis-records.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describeRedis('the log of redisStore(), after some time', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('returns entries until their retention ends, and never with a hole', async () => {
    const clock = new TestClock();
    await using store = openStore({ url: server.url, now: clock.now });
    const { log } = store;
    const start = (await log.head(CHANNEL)).position;
    await append(log, 'a');
    clock.advance(1_000);
    const { position } = (await append(log, 'b')).entry;
    await append(log, 'c');
    clock.advance(RETENTION_MS - 1_000);
    const all = ['a', 'b', 'c'];
    expect(namesOf(pageOf(await log.readAfter({ ...ALL, after: start })).entries)).toEqual(all);
    expect(namesOf(pageOf(await log.readBefore(ALL)).entries)).toEqual(all);
    clock.advance(1);
    expect(resetOf(await log.readAfter({ ...ALL, after: start }))).toBe('trimmed');
    expect(namesOf(pageOf(await log.readAfter({ ...ALL, after: position })).entries)).toEqual([
      'c',
    ]);
    const page = pageOf(await log.readBefore(ALL));
    expect([namesOf(page.entries), page.more]).toEqual([['b', 'c'], false]);
    clock.advance(1_000);
    expect(resetOf(await log.readAfter({ ...ALL, after: position }))).toBe('trimmed');
    expect(pageOf(await log.readBefore(ALL)).entries).toEqual([]);
  });

  it('ends a run at an entry that expires before older ones, because its clock was behind', async () => {
    const clock = new TestClock();
    await using store = openStore({ url: server.url, now: clock.now });
    const { keyPrefix } = store;
    await using behind = openStore({ url: server.url, keyPrefix, now: () => clock.now() - 2_000 });
    const start = (await store.log.head(CHANNEL)).position;
    const first = (await append(store.log, 'a')).entry;
    const second = (await append(behind.log, 'b')).entry;
    await append(store.log, 'c');
    expect(second.at).toBe(first.at - 2_000);
    clock.advance(RETENTION_MS - 1_000);
    expect(resetOf(await store.log.readAfter({ ...ALL, after: start }))).toBe('trimmed');
    expect(namesOf(pageOf(await store.log.readBefore(ALL)).entries)).toEqual(['c']);
    const page = pageOf(await store.log.readBefore({ ...ALL, before: second.position }));
    expect(namesOf(page.entries)).toEqual(['a']);
  });

  it('removes a few expired entries with each append, a minute late, and knows their keys as long', async () => {
    const clock = new TestClock();
    await using store = openStore({ url: server.url, now: clock.now });
    const { log } = store;
    const count = () => server.admin.xlen(`${store.keyPrefix}l:{rooms/1}`);
    await appendMany(log, { to: 10 });
    clock.advance(RETENTION_MS + 60_000);
    const known = await append(log, 10);
    expect(known).toMatchObject({ isDuplicate: true, entry: { payload: '{"data":10}' } });
    await append(log, 11);
    expect(await count()).toBe(11);
    clock.advance(1);
    expect(await append(log, 10)).toMatchObject({
      isDuplicate: false,
      entry: { position: { offset: 12 } },
    });
    expect(await count()).toBe(8);
    await appendMany(log, { from: 13, to: 14 });
    expect(await count()).toBe(4);
    expect(namesOf(pageOf(await log.readBefore(ALL)).entries)).toEqual([11, 10, 13, 14]);
  });

  // docs/history.md warns of it.
  it('removes what a shorter retention than before does not reach', async () => {
    const clock = new TestClock();
    await using store = openStore({ url: server.url, now: clock.now });
    const { log } = store;
    const long = { ...CHANNEL, retentionSeconds: 86_400 };
    const read = async () => namesOf(pageOf(await log.readBefore({ ...ALL, ...long })).entries);
    await appendMany(log, { to: 3 }, long);
    clock.advance(RETENTION_MS + 60_001);
    expect(await read()).toEqual([1, 2, 3]);
    await append(log, 'short');
    expect(await read()).toEqual(['short']);
  });

  it('gives every key a time to live', async () => {
    await using store = openStore({ url: server.url });
    const left = async (key: string) => server.admin.pttl(`${store.keyPrefix}${key}`);
    const ofHead = 'h:{rooms/1}';
    await store.log.head(CHANNEL);
    expect(await left(ofHead)).toBeGreaterThan(30 * DAY_MS - HOUR_MS);
    await append(store.log, 'a');
    const keys = await server.admin.keys(`${store.keyPrefix}*`);
    expect(keys).toHaveLength(3);
    for (const [key, most] of [
      [ofHead, 30 * DAY_MS],
      ['l:{rooms/1}', RETENTION_MS + HOUR_MS],
      ['k:{rooms/1}kkkkkkkkkkkkkkka', RETENTION_MS + 60_000],
    ] as const) {
      expect(await left(key)).toBeLessThanOrEqual(most);
      expect(await left(key)).toBeGreaterThan(most - 60_000);
    }
    const long = { channel: 'rooms/2', retentionSeconds: (40 * DAY_MS) / 1_000 };
    await append(store.log, 'a', long);
    expect(await left('h:{rooms/2}')).toBeGreaterThan(80 * DAY_MS + HOUR_MS);
    // A shorter retention does not shorten what was promised before.
    await append(store.log, 'b', { channel: 'rooms/2' });
    expect(await left('h:{rooms/2}')).toBeGreaterThan(80 * DAY_MS + HOUR_MS);
    expect(await left('l:{rooms/2}')).toBeGreaterThan(40 * DAY_MS);
  });

  it('lengthens the head by appends, and by reads with keep once half of its life is over', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const head = `${store.keyPrefix}h:{rooms/1}`;
    const { position } = (await append(log, 'a')).entry;
    const reads = {
      head: (keep: boolean) => log.head({ ...CHANNEL, keep }),
      readAfter: (keep: boolean) => log.readAfter({ ...ALL, after: position, keep }),
      readBefore: (keep: boolean) => log.readBefore({ ...ALL, keep }),
    };
    const isLong = async () => (await server.admin.pttl(head)) > 29 * DAY_MS;
    for (const read of Object.values(reads)) {
      await server.admin.pexpire(head, 16 * DAY_MS);
      await read(true);
      expect(await isLong()).toBe(false);
      await server.admin.pexpire(head, 14 * DAY_MS);
      await read(false);
      expect(await isLong()).toBe(false);
      await read(true);
      expect(await isLong()).toBe(true);
    }
    await server.admin.pexpire(head, 20 * DAY_MS);
    await append(log, 'b');
    expect(await isLong()).toBe(true);
  });

  it('goes on with its offsets after the stream has expired', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const { position } = (await append(log, 'a')).entry;
    const start = { ...position, offset: 0, tag: '' };
    await server.admin.del(`${store.keyPrefix}l:{rooms/1}`);
    expect(resetOf(await log.readAfter({ ...ALL, after: start }))).toBe('trimmed');
    expect(pageOf(await log.readAfter({ ...ALL, after: position })).entries).toEqual([]);
    const { entry } = await append(log, 'b');
    expect(entry).toMatchObject({ position: { offset: 2 }, prev: position.tag });
    expect(namesOf(pageOf(await log.readAfter({ ...ALL, after: position })).entries)).toEqual([
      'b',
    ]);
  });

  it('begins another log after the head was lost, without the entries and keys of the one before', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const [, after] = await appendMany(log, { to: 3 });
    if (!after) throw new Error('Nothing was appended.');
    await server.admin.del(`${store.keyPrefix}h:{rooms/1}`);
    const again = await append(log, 2);
    expect(again).toMatchObject({
      isDuplicate: false,
      entry: { position: { offset: 1 }, prev: '' },
    });
    expect(again.entry.position.epoch).not.toBe(after.epoch);
    expect(await log.readAfter({ ...ALL, after })).toEqual({
      reset: 'epoch',
      head: { position: again.entry.position },
    });
    expect(namesOf(pageOf(await log.readBefore(ALL)).entries)).toEqual([2]);
  });
});
