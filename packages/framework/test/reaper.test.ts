import { memoryStore } from '@gatecast/framework';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Reaper } from '../src/deliver/reaper.js';
import type { Subscriber } from '../src/store/connections.js';

const LONGEST_CONNECT_MS = 35_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A reaper whose store takes some time to remove connections. */
function makeReaper(prune: (signal?: AbortSignal) => Promise<void> = () => pause(10)) {
  const batches: (readonly string[])[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const report = vi.fn();
  const { connections } = memoryStore();
  connections.prune = (ids, limit) => {
    batches.push(ids);
    signals.push(limit?.signal);
    return prune(limit?.signal);
  };
  const reaper = new Reaper({ connections, now: Date.now, report });
  const add = (count: number, ageMs = LONGEST_CONNECT_MS): void => {
    for (const first = added; added < first + count; added += 1) {
      reaper.add({ connectionId: `c${added}`, connectedAt: Date.now() - ageMs } as Subscriber);
    }
  };
  let added = 0;
  const onEnd = vi.fn();
  const finish = (mostMs: number, signal?: AbortSignal): void => {
    void reaper.finish(mostMs, signal).then(onEnd);
  };
  const sizes = (): number[] => batches.map(({ length }) => length);
  return { reaper, add, finish, onEnd, batches, sizes, signals, report };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('C8 connections that are gone', () => {
  it('C8 are removed 25 at a time, each batch after the one before', async () => {
    const { reaper, add, batches, sizes } = makeReaper();
    reaper.allow();
    add(24);
    expect(sizes()).toEqual([]);
    add(1);
    expect(batches).toEqual([Array.from({ length: 25 }, (_, index) => `c${index}`)]);
    add(49);
    expect(sizes()).toEqual([25]);
    await vi.advanceTimersByTimeAsync(10);
    expect(batches[1]).toEqual(Array.from({ length: 25 }, (_, index) => `c${index + 25}`));
  });

  it('C8 wait for the next full batch or the end, however many posts succeed', async () => {
    const { reaper, add, finish, sizes } = makeReaper();
    reaper.allow();
    add(25);
    await vi.advanceTimersByTimeAsync(10);
    add(24);
    reaper.allow();
    await settled();
    expect(sizes()).toEqual([25]);
    finish(1);
    await settled();
    expect(sizes()).toEqual([25, 24]);
  });

  it('C8 are counted, but not removed before the endpoint has proved to be right', async () => {
    const { reaper, add, finish, onEnd, sizes } = makeReaper();
    add(60);
    expect(reaper.count).toBe(60);
    finish(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(sizes()).toEqual([]);
  });

  it('C8 are removed once that is proved: at once if they fill a batch', async () => {
    for (const count of [24, 25]) {
      const { reaper, add, sizes } = makeReaper();
      add(count);
      reaper.allow();
      expect(sizes()).toEqual(count === 25 ? [25] : []);
      reaper.allow();
      await settled();
      expect(sizes()).toEqual(count === 25 ? [25] : []);
    }
  });

  it('C8 are all removed before the end, if there is time', async () => {
    const { reaper, add, finish, onEnd, sizes, report } = makeReaper();
    reaper.allow();
    add(60);
    finish(1_000);
    await vi.advanceTimersByTimeAsync(29);
    expect(onEnd).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(sizes()).toEqual([25, 25, 10]);
    expect(vi.getTimerCount()).toBe(0);
    expect(report).not.toHaveBeenCalled();
  });

  it('C8 are left to the next delivery from the thousandth on', async () => {
    const { reaper, add, finish, onEnd, batches } = makeReaper();
    reaper.allow();
    add(1_030);
    finish(60_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(new Set(batches.flat()).size).toBe(1_000);
  });

  it('C8 are kept while they may still be opening', async () => {
    const { reaper, add, finish, batches } = makeReaper();
    reaper.allow();
    add(1, LONGEST_CONNECT_MS - 1);
    add(1, LONGEST_CONNECT_MS);
    expect(reaper.count).toBe(1);
    finish(1_000);
    await settled();
    expect(batches).toEqual([['c1']]);
  });
});

describe('B1 removing connections', () => {
  it('B1 ends when its time is over, with its call of the store', async () => {
    const { reaper, add, finish, onEnd, sizes, signals, report } = makeReaper(
      () => new Promise(() => {}),
    );
    reaper.allow();
    add(60);
    finish(100);
    await vi.advanceTimersByTimeAsync(99);
    expect(onEnd).not.toHaveBeenCalled();
    expect(signals[0]?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(signals[0]?.aborted).toBe(true);
    expect(sizes()).toEqual([25]);
    expect(report).not.toHaveBeenCalled();
  });

  it('B1 ends at once when the invocation is aborted', async () => {
    const { reaper, add, finish, onEnd, signals } = makeReaper(() => new Promise(() => {}));
    reaper.allow();
    add(25);
    const controller = new AbortController();
    finish(100, controller.signal);
    await settled();
    expect(onEnd).not.toHaveBeenCalled();
    controller.abort();
    await settled();
    expect(onEnd).toHaveBeenCalledOnce();
    expect(signals[0]?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['without time left', 0, undefined],
    ['after the invocation is over', 100, AbortSignal.abort()],
  ])('B1 does not begin %s', async (_when, mostMs, signal) => {
    const { reaper, add, finish, onEnd, sizes } = makeReaper();
    reaper.allow();
    add(10);
    finish(mostMs, signal);
    await settled();
    expect(onEnd).toHaveBeenCalledOnce();
    expect(sizes()).toEqual([]);
  });

  it('C8 stops at the first failure of the store, and reports that', async () => {
    const failure = new Error('The store is down.');
    const { reaper, add, finish, onEnd, sizes, report } = makeReaper(() => Promise.reject(failure));
    reaper.allow();
    add(60);
    await settled();
    add(60);
    finish(100);
    await settled();
    expect(onEnd).toHaveBeenCalledOnce();
    expect(sizes()).toEqual([25]);
    expect(report).toHaveBeenCalledExactlyOnceWith(failure);
  });

  it('C8 does not report a call that fails because its time is over', async () => {
    const { reaper, add, finish, sizes, report } = makeReaper(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    );
    reaper.allow();
    add(60);
    finish(100);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sizes()).toEqual([25]);
    expect(report).not.toHaveBeenCalled();
  });
});
