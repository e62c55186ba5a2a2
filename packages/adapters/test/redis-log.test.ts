// What the log in Redis appends, reads and purges.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import {
  ALL,
  append,
  appendMany,
  CHANNEL,
  keyOf,
  namesOf,
  pageOf,
  resetOf,
} from './redis-log-records.js';
import { openStore } from './redis-records.js';

describeRedis('the log of redisStore()', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('begins with an epoch and offset 0, and appends with offsets 1, 2, 3 …', async () => {
    await using store = openStore({ url: server.url, now: () => 1_234_567 });
    const { log } = store;
    const { position } = await log.head(CHANNEL);
    expect(position).toEqual({
      epoch: expect.stringMatching(/^[\w-]{12}$/),
      offset: 0,
      tag: '',
    });
    const { entry, isDuplicate } = await append(log, 'a');
    expect(isDuplicate).toBe(false);
    expect(entry).toEqual({
      position: {
        epoch: position.epoch,
        offset: 1,
        tag: expect.stringMatching(/^[\da-f]{12}$/),
      },
      at: 1_234_567,
      prev: '',
      payload: '{"data":"a"}',
    });
    const next = (await append(log, 'b')).entry;
    expect(next).toMatchObject({ position: { offset: 2 }, prev: entry.position.tag });
    expect(await log.head(CHANNEL)).toEqual({ position: next.position });
    const page = { entries: [entry, next], more: false, head: { position: next.position } };
    expect(await log.readAfter({ ...ALL, after: position })).toEqual(page);
    expect(await log.readBefore(ALL)).toEqual(page);
  });

  it('chains the tags: each depends on everything before it', async () => {
    await using store = openStore({ url: server.url });
    const tagsOf = async (channel: string, ...names: string[]) => {
      const tags: string[] = [];
      for (const name of names) {
        tags.push((await append(store.log, name, { channel })).entry.position.tag);
      }
      return tags;
    };
    const first = await tagsOf('one', 'a', 'b', 'c');
    expect(await tagsOf('same', 'a', 'b', 'c')).toEqual(first);
    const other = await tagsOf('other', 'x', 'b', 'c');
    for (const [index, tag] of other.entries()) expect(tag).not.toBe(first[index]);
    // Content that differs, because a handler ran again after the end of the log was forgotten.
    const said = await append(store.log, 'a', { channel: 'said', hash: 'another' });
    expect(said.entry.position.tag).not.toBe(first[0]);
  });

  it('appends a key once, and answers again with the entry that is there', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const { entry } = await append(log, 'a');
    await append(log, 'b');
    const again = { entry, isDuplicate: true, result: 'appended' };
    expect(await append(log, 'a')).toStrictEqual(again);
    const other = { hash: 'another', payload: '{"data":"changed"}' };
    const kept = await append(log, 'a', { ...other, onOtherHash: 'keep-first' });
    expect(kept).toStrictEqual(again);
    const refused = { ...CHANNEL, ...other, key: keyOf('a'), onOtherHash: 'refuse' as const };
    expect(await log.append(refused)).toEqual({ result: 'reused' });
    expect(namesOf(pageOf(await log.readBefore(ALL)).entries)).toEqual(['a', 'b']);
  });

  it('gives 50 writers at once offsets without a gap, and writers of one key the same', async () => {
    await using store = openStore({ url: server.url });
    const names = Array.from({ length: 50 }, (_, index) => index % 25);
    const results = await Promise.all(names.map((name) => append(store.log, name)));
    expect(results.filter(({ isDuplicate }) => isDuplicate)).toHaveLength(25);
    for (let name = 0; name < 25; name += 1) {
      expect(results[name]?.entry).toEqual(results[name + 25]?.entry);
    }
    const { entries } = pageOf(await store.log.readBefore(ALL));
    const offsets = entries.map(({ position }) => position.offset);
    expect(offsets).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    for (const [index, { prev }] of entries.entries()) {
      expect(prev).toBe(entries[index - 1]?.position.tag ?? '');
    }
  });

  it('keeps payloads as they are, and separates channels and prefixes', async () => {
    await using store = openStore({ url: server.url });
    await using other = openStore({ url: server.url });
    const payloads = [
      '{"data":"é😀\\u0000","op":"later","x":{"y":[1]}}',
      `"${'x'.repeat(32_766)}"`,
    ];
    for (const [index, payload] of payloads.entries()) {
      expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(32_768);
      await append(store.log, index, { payload });
    }
    const { entries } = pageOf(await store.log.readBefore(ALL));
    expect(entries.map(({ payload }) => payload)).toEqual(payloads);
    for (const [log, channel] of [
      [store.log, 'rooms/2'],
      [other.log, CHANNEL.channel],
    ] as const) {
      const { entry, isDuplicate } = await append(log, 0, { channel });
      expect([entry.position.offset, isDuplicate]).toEqual([1, false]);
      expect(entry.position.epoch).not.toBe(entries[0]?.position.epoch);
    }
  });

  it('reads in both directions by pages of a number or a size', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const start = (await log.head(CHANNEL)).position;
    await appendMany(log, { to: 25 });
    const bytes = 10 * '{"data":10}'.length;
    for (const size of [{ limit: 10 }, { maxBytes: bytes }, { maxBytes: bytes + 5 }]) {
      const request = { ...ALL, ...size };
      const onwards: unknown[] = [];
      let after = start;
      for (let more = true; more; ) {
        const page = pageOf(await log.readAfter({ ...request, after }));
        expect(page.entries.length).toBeLessThanOrEqual(11);
        onwards.push(...namesOf(page.entries));
        after = page.entries.at(-1)?.position ?? after;
        more = page.more;
      }
      expect(onwards).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));

      let page = pageOf(await log.readBefore(request));
      const backwards = namesOf(page.entries);
      while (page.more) {
        const before = page.entries[0]?.position ?? start;
        page = pageOf(await log.readBefore({ ...request, before }));
        backwards.unshift(...namesOf(page.entries));
      }
      expect(backwards).toEqual(onwards);
    }
    const tiny = { ...ALL, maxBytes: 1 };
    expect(namesOf(pageOf(await log.readAfter({ ...tiny, after: start })).entries)).toEqual([1]);
    expect(namesOf(pageOf(await log.readBefore(tiny)).entries)).toEqual([25]);
    const nothing = pageOf(await log.readBefore({ ...ALL, before: start }));
    expect([nothing.entries, nothing.more]).toEqual([[], false]);
  });

  it('says why a position is of no use', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const positions = await appendMany(log, { to: 3 });
    const [first, second, head] = positions as [Pos, Pos, Pos];
    const elsewhere = (await append(log, 1, { channel: 'rooms/2' })).entry.position;
    for (const [position, reset] of [
      [elsewhere, 'epoch'],
      [{ ...elsewhere, offset: 99 }, 'epoch'],
      [{ ...head, offset: 4 }, 'forked'],
      [{ ...head, offset: 999_999_999_999 }, 'forked'],
      [{ ...head, tag: first.tag }, 'forked'],
      [{ ...second, tag: first.tag }, 'forked'],
    ] as const) {
      const after = await log.readAfter({ ...ALL, after: position });
      expect(after).toEqual({ reset, head: { position: head } });
      expect(await log.readBefore({ ...ALL, before: position })).toEqual(after);
    }
    expect(pageOf(await log.readAfter({ ...ALL, after: head })).entries).toEqual([]);
    const start = { ...first, offset: 0 };
    expect(pageOf(await log.readAfter({ ...ALL, after: start })).entries).toHaveLength(3);
    expect(namesOf(pageOf(await log.readBefore({ ...ALL, before: head })).entries)).toEqual([1, 2]);
  });

  it('purges the contents, and neither offsets nor keys', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    await log.purge({ ...CHANNEL, channel: 'unknown' });
    const start = (await log.head(CHANNEL)).position;
    const [, second, third] = (await appendMany(log, { to: 3 })) as [Pos, Pos, Pos];
    await log.purge(CHANNEL);
    await log.purge(CHANNEL);
    expect((await log.head(CHANNEL)).position).toEqual(third);
    for (const after of [start, second]) {
      expect(resetOf(await log.readAfter({ ...ALL, after }))).toBe('trimmed');
    }
    expect(pageOf(await log.readAfter({ ...ALL, after: third })).entries).toEqual([]);
    for (const before of [undefined, second, third]) {
      const page = pageOf(await log.readBefore({ ...ALL, ...(before && { before }) }));
      expect([page.entries, page.more]).toEqual([[], false]);
    }
    const duplicate = await append(log, 2);
    expect(duplicate.isDuplicate).toBe(true);
    expect(duplicate.entry.position).toEqual(second);
    expect(duplicate.entry).not.toHaveProperty('payload');

    const { entry } = await append(log, 4);
    expect(entry).toMatchObject({ position: { offset: 4 }, prev: third.tag });
    const page = pageOf(await log.readAfter({ ...ALL, after: third }));
    expect(namesOf(page.entries)).toEqual([4]);
    expect(resetOf(await log.readAfter({ ...ALL, after: { ...third, tag: 'x' } }))).toBe('forked');
    expect(resetOf(await log.readAfter({ ...ALL, after: second }))).toBe('trimmed');
    expect(namesOf(pageOf(await log.readBefore(ALL)).entries)).toEqual([4]);
  });

  it('purges while a reader pages: the reader is told', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const start = (await log.head(CHANNEL)).position;
    await appendMany(log, { to: 10 });
    const page = pageOf(await log.readAfter({ ...ALL, limit: 5, after: start }));
    expect(page.more).toBe(true);
    await log.purge(CHANNEL);
    await append(log, 11);
    const after = page.entries.at(-1)?.position ?? start;
    expect(resetOf(await log.readAfter({ ...ALL, after }))).toBe('trimmed');
  });

  it('returns the newest maxEntries, and knows the others until their retention ends', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const limited = { maxEntries: 5 };
    const positions = await appendMany(log, { to: 20 }, limited);
    const { entries, more } = pageOf(await log.readBefore({ ...ALL, ...limited }));
    expect([namesOf(entries), more]).toEqual([[16, 17, 18, 19, 20], false]);
    const reads = positions.map((after) => log.readAfter({ ...ALL, ...limited, after }));
    const found = (await Promise.all(reads)).map((result) =>
      'reset' in result ? result.reset : result.entries.length,
    );
    expect(found).toEqual([...Array.from({ length: 14 }, () => 'trimmed'), 5, 4, 3, 2, 1, 0]);
    // Its first publisher may have died before it delivered the entry.
    expect((await append(log, 3, limited)).entry).toMatchObject({
      position: positions[2],
      payload: '{"data":3}',
    });
  });

  it('reads entries and heads with fields that this version does not know', async () => {
    await using store = openStore({ url: server.url });
    const { log, keyPrefix } = store;
    const first = (await append(log, 'a')).entry;
    const [head, stream] = [`${keyPrefix}h:{rooms/1}`, `${keyPrefix}l:{rooms/1}`];
    const { tag } = first.position;
    const later = ['later', '1', 'd', '"x"', 'a', '5', 't', 'abc', 'p', tag, 'more', '2'];
    await server.admin.xadd(stream, '2-0', ...later);
    await server.admin.hset(head, { top: '2', tag: 'abc', later: '3' });
    const { entry } = await append(log, 'c');
    const second = { position: { ...first.position, offset: 2, tag: 'abc' }, at: 5, prev: tag };
    const { entries } = pageOf(
      await log.readAfter({ ...ALL, after: first.position, retentionSeconds: 1e10 }),
    );
    expect(entries).toEqual([{ ...second, payload: '"x"' }, entry]);
    expect(await server.admin.hget(head, 'later')).toBe('3');
    expect(await server.admin.xrange(stream, 2, 2)).toEqual([['2-0', later]]);
  });

  it('keeps an estimate of the audience with the first of every 12 entries', async () => {
    await using store = openStore({ url: server.url });
    const { log } = store;
    const first = await append(log, 1);
    await first.finish?.(Promise.resolve(undefined));
    expect(await log.head(CHANNEL)).not.toHaveProperty('audience');
    await first.finish?.(Promise.reject(new Error('The delivery failed.')));
    await first.finish?.(Promise.resolve(7));
    expect(await log.head(CHANNEL)).toMatchObject({ position: { offset: 1 }, audience: 7 });
    await first.finish?.(Promise.resolve(undefined));
    expect(await log.head(CHANNEL)).toMatchObject({ audience: 7 });
    const offsets: number[] = [];
    for (let number = 2; number <= 26; number += 1) {
      const { entry, finish } = await append(log, number);
      if (!finish) continue;
      offsets.push(entry.position.offset);
      await finish(Promise.resolve(number));
    }
    expect(offsets).toEqual([13, 25]);
    expect(await append(log, 13)).not.toHaveProperty('finish');
    const page = pageOf(await log.readBefore(ALL));
    expect(page.head.audience).toBe(25);
    expect(
      resetOf(await log.readAfter({ ...ALL, after: { ...page.head.position, tag: '' } })),
    ).toBe('forked');
    // A head that has expired meanwhile does not come back.
    await server.admin.del(`${store.keyPrefix}h:{rooms/1}`);
    await first.finish?.(Promise.resolve(9));
    expect(await server.admin.exists(`${store.keyPrefix}h:{rooms/1}`)).toBe(0);
  });
});

type Pos = Parameters<typeof resetOf>[0]['head']['position'];
