import { memoryStore } from '@gatecast/framework';
import { describe, expect, it, vi } from 'vitest';
import { Reader, type ReaderOptions } from '../src/deliver/reader.js';
import type { Subscriber, SubscriberRange } from '../src/store/connections.js';
import type { TimeLimit } from '../src/time/time-limit.js';

const ADDRESS = { apiId: 'abc123', stage: 'prod', region: 'eu-west-1' };

/** A reader of a channel with numbered subscribers. */
function makeReader({
  total,
  pageSize,
  brokenFrom = Infinity,
  ...more
}: {
  readonly total: number;
  readonly pageSize: number;
  /** The first page that cannot be read. */
  readonly brokenFrom?: number;
} & Partial<ReaderOptions>) {
  const { connections } = memoryStore();
  const reads: (SubscriberRange | undefined)[] = [];
  const limits: (TimeLimit | undefined)[] = [];
  const failure = new Error('The store is down.');
  connections.subscribers = async (_channel, range, limit) => {
    reads.push(range);
    limits.push(limit);
    if (reads.length > brokenFrom) throw failure;
    const from = Number(range?.after ?? 0);
    const to = Math.min(total, from + pageSize);
    const items = Array.from(
      { length: to - from },
      (_, index) => ({ connectionId: `c${from + index}`, ...ADDRESS }) as Subscriber,
    );
    return { items, ...(to < total && { next: `${to}` }) };
  };
  const reader = new Reader({
    connections,
    channel: 'rooms/1',
    except: undefined,
    address: undefined,
    limit: {},
    ...more,
  });
  const take = async (count: number): Promise<(string | undefined)[]> => {
    const ids: (string | undefined)[] = [];
    while (ids.length < count) ids.push((await reader.next())?.connectionId);
    return ids;
  };
  return { reader, take, reads, limits, failure };
}

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

describe('C4 the subscribers of a channel', () => {
  it('C4 are read in order and once, and then no more', async () => {
    const { reader, take, reads } = makeReader({ total: 500, pageSize: 200 });
    expect(reader.isAtEnd).toBe(false);
    expect(reader.left).toBe(0);
    expect(await take(502)).toEqual([...idsOf(500), undefined, undefined]);
    expect(reads).toStrictEqual([{}, { after: '200' }, { after: '400' }]);
    expect(reader.isAtEnd).toBe(true);
  });

  it('C4 are read one page ahead, when fewer than two windows are left', async () => {
    const { reader, take, reads } = makeReader({ total: 600, pageSize: 200 });
    await take(73);
    expect(reader.left).toBe(127);
    expect(reads).toHaveLength(1);
    await take(1);
    expect(reads).toHaveLength(2);
    await vi.waitFor(() => expect(reader.left).toBe(326));
    await take(100);
    expect(reads).toHaveLength(2);
  });

  it('C4 are read one page at a time, even if several are wanted', async () => {
    const { take, reads } = makeReader({ total: 40, pageSize: 10 });
    const first = take(1);
    const second = take(1);
    expect(reads).toHaveLength(1);
    expect([...(await first), ...(await second)]).toEqual(['c0', 'c1']);
  });

  it('C2 are those of the own stage, without the one that is left out', async () => {
    const all = makeReader({ total: 4, pageSize: 3, except: 'c1', address: ADDRESS });
    expect(await all.take(4)).toEqual(['c0', 'c2', 'c3', undefined]);
    const none = makeReader({ total: 4, pageSize: 3, address: { ...ADDRESS, stage: 'dev' } });
    expect(await none.take(1)).toEqual([undefined]);
    expect(none.reads).toHaveLength(2);
  });
});

describe('a page that cannot be read', () => {
  it('is an error after the subscribers that had been read, and is not read again', async () => {
    const { reader, take, reads, failure } = makeReader({ total: 20, pageSize: 10, brokenFrom: 1 });
    expect(await take(5)).toEqual(idsOf(5));
    await vi.waitFor(() => expect(reads).toHaveLength(2));
    expect(await take(5)).toEqual(idsOf(10).slice(5));
    await expect(reader.next()).rejects.toBe(failure);
    await expect(reader.next()).rejects.toBe(failure);
    expect(reads).toHaveLength(2);
    expect(reader.isAtEnd).toBe(false);
  });

  it('B1 is not asked for when the time is over', async () => {
    const over = makeReader({ total: 20, pageSize: 10, limit: { endsAt: Date.now() - 1 } });
    expect(await over.take(1)).toEqual([undefined]);
    expect(over.reads).toEqual([]);
    expect(over.reader.isAtEnd).toBe(false);
    const limit = { endsAt: Date.now() + 60_000 };
    const inTime = makeReader({ total: 20, pageSize: 10, limit });
    await inTime.take(1);
    expect(inTime.limits[0]).toBe(limit);
  });
});
