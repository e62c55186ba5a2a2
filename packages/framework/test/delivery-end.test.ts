import { memoryStore } from '@gatecast/framework';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deliver } from '../src/deliver/deliver.js';
import type { PostOutcome } from '../src/deliver/gateway.js';
import { Poster } from '../src/deliver/poster.js';
import { makeError } from '../src/errors/gatecast-error.js';
import type { ConnectionRecord } from '../src/store/connections.js';
import { pause, type TimeLimit } from '../src/time/time-limit.js';

const NOW = 1_000_000_000;
const HOUR_MS = 3_600_000;
const delivered: PostOutcome = { result: 'delivered' };
const gone: PostOutcome = { result: 'gone' };
const outcomeOf = (result: 'failed' | 'refused', reason: string) => ({
  result,
  error: makeError('ERR_DELIVERY_FAILED', { endpoint: 'here', reason }),
});

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

interface RoomOptions {
  /** The outcome of each post by its number, from 0 on. */
  readonly answer?: (post: number) => PostOutcome | Promise<PostOutcome>;
  readonly perSecond?: number;
  readonly limit?: TimeLimit;
  readonly record?: Partial<ConnectionRecord>;
}

/** A room, and what its gateway and its store have been asked. */
async function makeRoom(count: number, options: RoomOptions = {}) {
  const { answer = () => delivered, perSecond = 1_000_000, record } = options;
  const { limit = { endsAt: NOW + 2_000 } } = options;
  const { connections } = memoryStore();
  const join = async (connectionId: string, more: Partial<ConnectionRecord> = {}) => {
    const address = { apiId: 'abc123', stage: 'prod', region: 'eu-west-1' };
    const times = { connectedAt: NOW - HOUR_MS, expiresAt: NOW + HOUR_MS };
    await connections.connect({ connectionId, ...address, ...times, ...more }, ['rooms/1']);
  };
  for (let index = 0; index < count; index += 1) await join(`c${index}`, record);
  const posts: { readonly atMs: number; readonly limit: TimeLimit | undefined }[] = [];
  const gateway = {
    post: async (_id: string, _frame: string, postLimit?: TimeLimit) => {
      posts.push({ atMs: Date.now() - NOW, limit: postLimit });
      return answer(posts.length - 1);
    },
    disconnect: async () => delivered,
  };
  const poster = new Poster(gateway, { endpoint: 'here', perSecond });
  const address = { apiId: 'abc123', stage: 'prod', region: 'eu-west-1' };
  const report = vi.fn();
  const removed = vi.spyOn(connections, 'prune');
  const run = async () => {
    const startedAt = Date.now();
    const stage = { address, mayPrune: true, poster };
    const delivery = { channel: 'rooms/1', frame: 'x', ephemeral: false };
    const running = deliver(delivery, { connections, stage, limit, now: Date.now, report });
    const known: { afterMs?: number } = {};
    const note = (): void => {
      known.afterMs = Date.now() - startedAt;
    };
    running.then(note, note);
    for (let passed = 0; known.afterMs === undefined && passed < 30_000; passed += 10) {
      await vi.advanceTimersByTimeAsync(10);
    }
    return { count: await running, afterMs: known.afterMs };
  };
  return { connections, join, posts, report, removed, run };
}

const none = { delivered: 0, gone: 0, failed: 0 };
const after = (ms: number, outcome: PostOutcome): Promise<PostOutcome> =>
  pause(ms).then(() => outcome);

it('C5 one delivery uses the whole window, although it waits for one turn at a time', async () => {
  const { posts, run } = await makeRoom(312, { answer: () => after(100, delivered) });
  expect((await run()).count).toEqual({ ...none, delivered: 312 });
  const begunAt = (atMs: number) => posts.filter((post) => post.atMs === atMs).length;
  expect([0, 100, 200, 300, 400, 500, 600].map(begunAt)).toEqual([8, 16, 32, 64, 64, 64, 64]);
});

describe('B1 the end of a delivery', () => {
  it('B1 leaves no timer behind', async () => {
    const { run } = await makeRoom(3);
    expect(await run()).toMatchObject({ count: { ...none, delivered: 3 } });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('B1 gives its posts and reads the time and the signal of the invocation', async () => {
    const { signal } = new AbortController();
    const { connections, posts, run } = await makeRoom(1, {
      limit: { endsAt: NOW + 2_000, signal },
    });
    const read = vi.spyOn(connections, 'subscribers');
    await run();
    expect(posts[0]?.limit).toEqual({ endsAt: NOW + 1_750, signal });
    expect(read.mock.calls[0]?.[2]).toMatchObject({ endsAt: NOW + 1_500 });
  });

  it('B1 comes in time at a gateway that hangs, and late answers change nothing', async () => {
    const { posts, report, removed, run } = await makeRoom(5, {
      answer: () => after(10_000, gone),
    });
    const { count, afterMs } = await run();
    expect(afterMs).toBe(1_750);
    expect(count).toEqual({ ...none, failed: 5 });
    expect(report.mock.calls).toMatchObject([
      [
        {
          code: 'ERR_DELIVERY_UNFINISHED',
          message: expect.stringContaining('of 5 subscribers 5 were not reached, and all had been'),
        },
      ],
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(count).toEqual({ ...none, failed: 5 });
    expect(posts).toHaveLength(5);
    expect(removed).not.toHaveBeenCalled();
    expect(report).toHaveBeenCalledOnce();
  });

  it('B1 counts subscribers whose turn did not come in time', async () => {
    const { posts, report, run } = await makeRoom(5, { perSecond: 1 });
    expect((await run()).count).toEqual({ ...none, delivered: 2, failed: 3 });
    expect(posts.map(({ atMs }) => atMs)).toEqual([0, 1_000]);
    expect(report.mock.calls).toMatchObject([
      [{ message: expect.stringContaining('of 5 subscribers 3 were not reached') }],
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(posts).toHaveLength(2);
  });

  it('B1 ends its read of the store, too', async () => {
    const { connections, report, run } = await makeRoom(20);
    const subscribers = connections.subscribers.bind(connections);
    const signals: (AbortSignal | undefined)[] = [];
    connections.subscribers = (channel, range, limit) => {
      signals.push(limit?.signal);
      return range?.after === undefined
        ? subscribers(channel, { ...range, limit: 10 }, limit)
        : new Promise(() => {});
    };
    expect(await run()).toEqual({ count: { ...none, delivered: 10 }, afterMs: 1_750 });
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
    expect(report.mock.calls).toMatchObject([
      [{ message: expect.stringContaining('of 10 subscribers 0 were not reached, and more were') }],
    ]);
  });

  it('B1 without the time for a page is an error of the store only if it is the first page', async () => {
    const late = new Error('The time of the store is over.');
    const tooLate = () => pause(1_550).then(() => Promise.reject(late));
    const first = await makeRoom(20);
    first.connections.subscribers = tooLate;
    await expect(first.run()).rejects.toBe(late);
    expect(first.report).not.toHaveBeenCalled();
    vi.setSystemTime(NOW);
    const second = await makeRoom(20);
    const subscribers = second.connections.subscribers.bind(second.connections);
    second.connections.subscribers = (channel, range, limit) =>
      range?.after === undefined ? subscribers(channel, { ...range, limit: 10 }, limit) : tooLate();
    expect((await second.run()).count).toEqual({ ...none, delivered: 10 });
    expect(second.report.mock.calls).toMatchObject([[{ code: 'ERR_DELIVERY_UNFINISHED' }]]);
  });

  it('B1 comes with the last page, even if that is empty and all posts have ended before', async () => {
    const { connections, run } = await makeRoom(10);
    const subscribers = connections.subscribers.bind(connections);
    connections.subscribers = async (channel, range, limit) => {
      if (range?.after !== undefined) return pause(500).then(() => ({ items: [] }));
      return { ...(await subscribers(channel, range, limit)), next: 'more' };
    };
    expect(await run()).toEqual({ count: { ...none, delivered: 10 }, afterMs: 500 });
  });

  it('B1 is an error if the invocation is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('The invocation is over.');
    const { posts, run } = await makeRoom(30, {
      answer: () => new Promise(() => {}),
      limit: { signal: controller.signal },
    });
    setTimeout(() => controller.abort(reason), 100);
    await expect(run()).rejects.toBe(reason);
    expect(posts).toHaveLength(8);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('B1 waits for the last post, however late it began', async () => {
    const { run } = await makeRoom(3, { answer: (post) => after((3 - post) * 100, delivered) });
    expect(await run()).toEqual({ count: { ...none, delivered: 3 }, afterMs: 300 });
  });
});

describe('the report of a delivery', () => {
  it('is the first failure if all others succeeded', async () => {
    const failed = outcomeOf('failed', 'one');
    const { report, run } = await makeRoom(3, {
      answer: (post) => (post === 1 ? failed : delivered),
    });
    expect((await run()).count).toEqual({ ...none, delivered: 2, failed: 1 });
    expect(report).toHaveBeenCalledExactlyOnceWith(failed.error);
  });

  it('is the reason why all posts are refused, even if another one failed before', async () => {
    const refused = outcomeOf('refused', 'first');
    const outcomes = [outcomeOf('failed', 'one'), refused, outcomeOf('refused', 'second')];
    const { posts, report, run } = await makeRoom(30, {
      answer: (post) => after((post + 1) * 10, outcomes[post] ?? delivered),
    });
    expect((await run()).count.failed).toBeGreaterThanOrEqual(3);
    expect(posts.length).toBeLessThan(20);
    expect(report).toHaveBeenCalledExactlyOnceWith(refused.error);
  });

  it('is the first failure if the store could not read on, whose error is thrown', async () => {
    const failed = outcomeOf('failed', 'one');
    const { connections, report, run } = await makeRoom(20, { answer: () => failed });
    const subscribers = connections.subscribers.bind(connections);
    const down = new Error('The store is down.');
    connections.subscribers = (channel, range, limit) =>
      range?.after === undefined
        ? subscribers(channel, { ...range, limit: 10 }, limit)
        : Promise.reject(down);
    await expect(run()).rejects.toBe(down);
    expect(report).toHaveBeenCalledExactlyOnceWith(failed.error);
  });

  it('names the channel, the endpoint and the number if all are gone', async () => {
    const { report, removed, run } = await makeRoom(20, { answer: () => gone });
    expect((await run()).count).toEqual({ ...none, gone: 20 });
    const [[{ message }]] = report.mock.calls as [[Error]];
    for (const part of ['rooms/1', 'here', '20']) expect(message).toContain(part);
    expect(removed).not.toHaveBeenCalled();
  });
});

describe('C8 the removal of subscribers', () => {
  it('C8 happens if fewer than twenty are gone, whoever else is there', async () => {
    const { removed, report, run } = await makeRoom(19, { answer: () => gone });
    await run();
    expect(removed.mock.calls.map(([ids]) => ids.length)).toEqual([19]);
    expect(report).not.toHaveBeenCalled();
  });

  it('C8 begins with the first post that succeeds, while others are still running', async () => {
    const { removed, run } = await makeRoom(52, {
      answer: (post) =>
        post < 51 ? after(post * 10, post === 50 ? delivered : gone) : after(1_000, gone),
    });
    const running = run();
    await vi.advanceTimersByTimeAsync(700);
    expect(removed).toHaveBeenCalled();
    expect((await running).afterMs).toBeGreaterThan(900);
  });

  it('C8 begins at once if a post has succeeded in an earlier delivery', async () => {
    const outcomes: PostOutcome[] = [delivered];
    const { join, removed, run } = await makeRoom(1, {
      answer: (post) => outcomes[post] ?? after(post < 40 ? 10 : 500, gone),
    });
    await run();
    for (let index = 0; index < 60; index += 1) await join(`late${index}`);
    const running = run();
    await vi.advanceTimersByTimeAsync(200);
    expect(removed).toHaveBeenCalled();
    await running;
  });

  it.each([
    ['50 ms', 0, 50],
    ['half the time of the posts', 400, 600],
    ['the time that is left', 1_400, 1_750],
  ])('C8 takes at most %s', async (_what, postMs, totalMs) => {
    const { removed, report, run } = await makeRoom(3, { answer: () => after(postMs, gone) });
    removed.mockReturnValue(new Promise(() => {}));
    const { afterMs, count } = await run();
    expect(count).toEqual({ ...none, gone: 3 });
    expect(afterMs).toBe(totalMs);
    expect(removed).toHaveBeenCalledOnce();
    expect(report).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('C1 does not concern an identity that expires later, but one that expires now', async () => {
    for (const [identityExpiresAt, count] of [
      [NOW, { ...none, gone: 1 }],
      [NOW + 1, { ...none, delivered: 1 }],
    ] as const) {
      vi.setSystemTime(NOW);
      const { run } = await makeRoom(1, { record: { identityExpiresAt } });
      expect((await run()).count).toEqual(count);
    }
  });
});
