import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gateway, PostOutcome } from '../src/deliver/gateway.js';
import { Poster } from '../src/deliver/poster.js';
import { makeError } from '../src/errors/gatecast-error.js';
import { pause, type TimeLimit } from '../src/time/time-limit.js';

const NOW = 1_000_000;
const error = makeError('ERR_DELIVERY_FAILED', { endpoint: 'here', reason: 'fault' });
const delivered: PostOutcome = { result: 'delivered' };
const gone: PostOutcome = { result: 'gone' };
const lost: PostOutcome = { result: 'retry', error };
const throttled: PostOutcome = { result: 'throttled', error };

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  // The longest waits.
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A poster, and when its gateway was called. */
function makePoster(
  answer: (call: number) => PostOutcome | Promise<PostOutcome>,
  perSecond = 1_000_000,
) {
  const atMs: number[] = [];
  const limits: (TimeLimit | undefined)[] = [];
  const post = async (_id: string, _frame: string, limit?: TimeLimit): Promise<PostOutcome> => {
    atMs.push(Date.now() - NOW);
    limits.push(limit);
    return answer(atMs.length);
  };
  const gateway: Gateway = { post, disconnect: (id, limit) => post(id, '', limit) };
  const poster = new Poster(gateway, { endpoint: 'here', perSecond });
  return { poster, atMs, limits };
}

const after = (ms: number, outcome: PostOutcome): Promise<PostOutcome> =>
  pause(ms).then(() => outcome);

/** The outcome of a post, and when it was known. */
async function ended(
  posting: Promise<PostOutcome>,
): Promise<{ readonly outcome: PostOutcome; readonly afterMs: number }> {
  const startedAt = Date.now();
  const known: { afterMs?: number } = {};
  void posting.then(() => {
    known.afterMs = Date.now() - startedAt;
  });
  for (let passed = 0; known.afterMs === undefined && passed < 60_000; passed += 10) {
    await vi.advanceTimersByTimeAsync(10);
  }
  if (known.afterMs === undefined) throw new Error('The post did not end.');
  return { outcome: await posting, afterMs: known.afterMs };
}

describe('the attempts of a post', () => {
  it('C4 begin within 5 s, with growing waits, while it is throttled', async () => {
    const { poster, atMs } = makePoster(() => throttled);
    const { outcome } = await ended(poster.post('c', 'x', { limit: {} }));
    expect(outcome).toBe(throttled);
    expect(atMs).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('C4 wait longer after each failure of any kind', async () => {
    const { poster, atMs } = makePoster((call) => [throttled, lost, throttled][call - 1] ?? gone);
    expect((await ended(poster.post('c', 'x', { limit: {} }))).outcome).toBe(gone);
    expect(atMs).toEqual([0, 50, 150, 350]);
  });

  it('are three if it is lost each time, however often it was throttled', async () => {
    const { poster, atMs } = makePoster((call) => (call % 2 === 0 ? throttled : lost));
    expect((await ended(poster.post('c', 'x', { limit: {} }))).outcome).toBe(lost);
    expect(atMs).toHaveLength(5);
  });

  it.each(['failed', 'refused'] as const)('are not repeated if it %s', async (result) => {
    const answer = { result, error };
    const { poster, atMs } = makePoster(() => answer);
    expect((await ended(poster.post('c', 'x', { limit: {} }))).outcome).toBe(answer);
    expect(atMs).toHaveLength(1);
  });

  it('B5 end after 4 s at a gateway that hangs, and after 5 s in all', async () => {
    const { poster, atMs, limits } = makePoster(() => new Promise(() => {}));
    const { outcome, afterMs } = await ended(poster.post('c', 'x', { limit: {} }));
    expect(outcome).toMatchObject({
      result: 'retry',
      error: { message: expect.stringContaining('there was no answer in time') as string },
    });
    expect(atMs).toEqual([0, 4_050]);
    expect(afterMs).toBe(5_000);
    expect(limits).toEqual([{ endsAt: NOW + 5_000 }, { endsAt: NOW + 5_000 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('B1 do not begin when the wait would end too late', async () => {
    const { poster, atMs } = makePoster(() => throttled);
    const limit = { endsAt: NOW + 1_000 };
    const begin = { endsAt: NOW + 150 };
    const { afterMs } = await ended(poster.post('c', 'x', { limit, begin }));
    expect(atMs).toEqual([0, 50]);
    expect(afterMs).toBe(50);
  });

  it('B1 get the limit and the signal of their post', async () => {
    const { signal } = new AbortController();
    const { poster, limits } = makePoster(() => delivered);
    await poster.post('c', 'x', { limit: { endsAt: NOW + 70, signal } });
    await poster.disconnect('c', { limit: { signal } });
    expect(limits).toEqual([
      { endsAt: NOW + 70, signal },
      { endsAt: NOW + 5_000, signal },
    ]);
  });

  it.each([
    ['an attempt', () => new Promise<never>(() => {}), 'retry'],
    ['the wait for the next', () => throttled, 'throttled'],
  ])('B1 end at once when the signal is aborted: %s', async (_what, answer, result) => {
    const { poster, atMs } = makePoster(answer);
    const controller = new AbortController();
    const posting = poster.post('c', 'x', { limit: { signal: controller.signal } });
    await vi.advanceTimersByTimeAsync(20);
    controller.abort();
    expect(await posting).toMatchObject({ result });
    expect(vi.getTimerCount()).toBe(0);
    expect(atMs).toHaveLength(1);
  });

  it('B1 are not made without time left', async () => {
    const { poster, atMs } = makePoster(() => delivered);
    const over = { limit: { endsAt: NOW } };
    expect(await poster.post('c', 'x', over)).toMatchObject({
      result: 'retry',
      error: { message: expect.stringContaining('there was no time left for it') as string },
    });
    // A turn that comes too late is returned, so that others can begin.
    for (let count = 0; count < 20; count += 1) {
      expect(await poster.turn({})).toBe(true);
      await poster.post('c', 'x', { ...over, hasTurn: true });
    }
    expect(atMs).toEqual([]);
    expect(await poster.post('c', 'x', { limit: {} })).toBe(delivered);
  });

  it('B1 are not made after the signal is aborted, even if they may still begin', async () => {
    const { poster, atMs } = makePoster(() => delivered);
    const limit = { signal: AbortSignal.abort() };
    const { outcome } = await ended(poster.post('c', 'x', { limit, begin: {} }));
    expect(outcome).toMatchObject({ result: 'retry' });
    expect(atMs).toEqual([]);
  });

  it('C5 leave the window as it was if they were not made in time', async () => {
    const { poster, atMs } = makePoster(() => delivered);
    for (let count = 0; count < 8; count += 1) expect(poster.turn({})).toBe(true);
    const onTurn = vi.fn();
    for (let count = 0; count < 20; count += 1) void Promise.resolve(poster.turn({})).then(onTurn);
    await poster.post('c', 'x', { limit: { endsAt: NOW } });
    await poster.post('c', 'x', { limit: { endsAt: NOW }, hasTurn: true });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(onTurn.mock.calls).toEqual([[true]]);
    expect(atMs).toEqual([]);
  });

  it('B1 no longer listen to the signal when they have ended', async () => {
    const { poster } = makePoster((call) => (call === 1 ? throttled : delivered));
    const controller = new AbortController();
    const limit = { signal: controller.signal };
    const { outcome } = await ended(poster.post('c', 'x', { limit }));
    expect(outcome).toBe(delivered);
    const clear = vi.spyOn(globalThis, 'clearTimeout');
    controller.abort();
    expect(clear).not.toHaveBeenCalled();
  });

  it('C5 wait for room in the window again', async () => {
    const { poster, atMs } = makePoster((call) => (call === 1 ? throttled : new Promise(() => {})));
    void poster.post('first', 'x', { limit: {} });
    await vi.advanceTimersByTimeAsync(10);
    for (let count = 0; count < 8; count += 1) void poster.post('c', 'x', { limit: {} });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(atMs).toHaveLength(9);
  });
});

describe('what a poster remembers', () => {
  it('is the 99th percentile of the time of the last 256 answers', async () => {
    const delays = [500, ...Array.from({ length: 99 }, () => 10)];
    const { poster } = makePoster((call) => after(delays[call - 1] ?? 10, delivered));
    const post = async (): Promise<void> =>
      void (await ended(poster.post('c', 'x', { limit: {} })));
    expect(poster.p99Ms).toBe(0);
    await post();
    expect(poster.p99Ms).toBe(500);
    for (let count = 1; count < 99; count += 1) await post();
    expect(poster.p99Ms).toBe(500);
    await post();
    // One of a hundred.
    expect(poster.p99Ms).toBe(10);
    delays.push(400, 400, 400);
    for (let count = 0; count < 3; count += 1) await post();
    expect(poster.p99Ms).toBe(400);
    for (let count = 0; count < 255; count += 1) await post();
    expect(poster.p99Ms).toBe(10);
  });

  it('is not the time of posts without an answer', async () => {
    const { poster } = makePoster(() => after(100, lost));
    await ended(poster.post('c', 'x', { limit: {}, ephemeral: true }));
    expect(poster.p99Ms).toBe(0);
  });

  it('is whether a post has ever succeeded', async () => {
    const outcomes = [gone, throttled, delivered, gone];
    const { poster } = makePoster((call) => outcomes[call - 1] ?? gone);
    const known: boolean[] = [];
    for (const _ of outcomes) {
      await poster.post('c', 'x', { limit: {}, ephemeral: true });
      known.push(poster.hasDelivered);
    }
    expect(known).toEqual([false, false, true, true]);
  });
});

describe('C4 the speed of posts', () => {
  it.each([
    ['stays the same while they succeed', delivered, 110],
    ['falls while they are throttled', throttled, 60],
  ])('C4 %s', async (_what, outcome, most) => {
    const { poster, atMs } = makePoster(() => outcome, 100);
    for (let count = 0; count < 500; count += 1) {
      void poster.post('c', 'x', { limit: {}, ephemeral: true });
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(atMs.length).toBeLessThanOrEqual(most);
    expect(atMs.length).toBeGreaterThan(most - 25);
  });

  it.each([
    [delivered, 16],
    [gone, 16],
    [throttled, 8],
    [lost, 8],
  ])(
    'C5 lets more begin at once only after an answer of their connection: %o',
    async (outcome, more) => {
      const { poster, atMs } = makePoster((call) =>
        call <= 8 ? after(10, outcome) : new Promise(() => {}),
      );
      for (let count = 0; count < 100; count += 1) {
        void poster.post('c', 'x', { limit: {}, ephemeral: true });
      }
      await vi.advanceTimersByTimeAsync(20);
      expect(atMs).toHaveLength(8 + more);
    },
  );
});
