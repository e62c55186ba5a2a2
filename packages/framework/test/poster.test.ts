import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Gateway, PostOutcome } from '../src/deliver/gateway.js';
import { Pace } from '../src/deliver/pace.js';
import { Poster } from '../src/deliver/poster.js';
import { makeError } from '../src/errors/gatecast-error.js';

const reason = { endpoint: 'here', reason: 'fault' };
const lost: PostOutcome = { result: 'retry', error: makeError('ERR_DELIVERY_FAILED', reason) };
const throttled: PostOutcome = {
  result: 'throttled',
  error: makeError('ERR_DELIVERY_THROTTLED', reason),
};
const delivered: PostOutcome = { result: 'delivered' };

function posterOf(post: Gateway['post'], perSecond = 100_000): Poster {
  const gateway: Gateway = { post, disconnect: async () => delivered };
  return new Poster(gateway, { endpoint: 'here', perSecond });
}

const within = (ms: number): { limit: { endsAt: number } } => ({
  limit: { endsAt: Date.now() + ms },
});

describe('the window', () => {
  it('C5 is shared by all, begins at 8, and grows by one with each successful post', async () => {
    const waiting: (() => void)[] = [];
    const poster = posterOf(() => new Promise((resolve) => waiting.push(() => resolve(delivered))));
    const limit = {};
    const posts = Array.from({ length: 300 }, (_, i) => poster.post(`c${i}`, 'x', { limit }));
    let done = 0;
    let size = 8;
    while (done < posts.length) {
      await sleep(0);
      expect(waiting).toHaveLength(Math.min(size, posts.length - done));
      for (const end of waiting.splice(0)) {
        end();
        done += 1;
        size = Math.min(64, size + 1);
      }
    }
    expect(await Promise.all(posts)).toHaveLength(300);
  });

  it('returns a turn that came too late to be used', async () => {
    const poster = posterOf(async () => delivered);
    for (let round = 0; round < 200; round += 1) {
      const controller = new AbortController();
      const limit = { signal: controller.signal };
      expect(await poster.turn(limit)).toBe(true);
      controller.abort();
      const outcome = await poster.post('c', 'x', { limit, hasTurn: true });
      expect(outcome.result).toBe('retry');
    }
    expect(await poster.post('c', 'x', within(5_000))).toEqual(delivered);
  });
});

describe('a post that fails', () => {
  it('is tried three times, but once if it is ephemeral', async () => {
    const post = vi.fn(async () => lost);
    const poster = posterOf(post);
    expect(await poster.post('c', 'x', within(10_000))).toBe(lost);
    expect(post).toHaveBeenCalledTimes(3);
    expect(await poster.post('c', 'x', { ...within(10_000), ephemeral: true })).toBe(lost);
    expect(post).toHaveBeenCalledTimes(4);
  });

  it('C4 does not block other posts while it is throttled', async () => {
    let isThrottled = true;
    const poster = posterOf(async (id) => (id === 'slow' && isThrottled ? throttled : delivered));
    const slow = Array.from({ length: 20 }, () => poster.post('slow', 'x', within(30_000)));
    // More posts than the window has room for.
    for (let i = 0; i < 100; i += 1) {
      expect(await poster.post(`c${i}`, 'x', within(10_000))).toEqual(delivered);
    }
    isThrottled = false;
    for (const outcome of await Promise.all(slow)) expect(outcome).toEqual(delivered);
  });

  it('B1 waits no longer than its limit while it is throttled', async () => {
    const endsAt = Date.now() + 300;
    expect(await posterOf(async () => throttled).post('c', 'x', { limit: { endsAt } })).toBe(
      throttled,
    );
    expect(Date.now()).toBeLessThan(endsAt + 2_000);
  });

  it('B1 stops waiting when the signal is aborted', async () => {
    const controller = new AbortController();
    const post = vi.fn(async () => throttled);
    const posts = Array.from({ length: 50 }, (_, i) =>
      posterOf(post).post(`c${i}`, 'x', { limit: { signal: controller.signal } }),
    );
    await vi.waitFor(() => expect(post.mock.calls.length).toBeGreaterThanOrEqual(50));
    controller.abort();
    await Promise.all(posts);
    const { length } = post.mock.calls;
    await sleep(100);
    expect(post).toHaveBeenCalledTimes(length);
  });
});

describe('a gateway that breaks its contract', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('boom');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('boom'))],
    ['returns nothing', () => Promise.resolve()],
    ['returns an unknown outcome', () => Promise.resolve({ result: 'fine' })],
    ['does not return a promise', () => 3],
  ])('B5 fails that post when it %s', async (_case, post) => {
    const outcome = await posterOf(post as Gateway['post']).post('c', 'x', within(5_000));
    expect(outcome).toMatchObject({
      result: 'failed',
      error: { name: 'DeliveryError', code: 'ERR_DELIVERY_FAILED' },
    });
  });

  it.each([
    [new RangeError('boom'), 'RangeError'],
    ['boom', 'string'],
    [undefined, 'undefined'],
  ])('B5 names the type of what it throws: %o', async (thrown, name) => {
    const outcome = await posterOf(() => Promise.reject(thrown)).post('c', 'x', {
      limit: {},
    });
    expect(outcome).toMatchObject({
      result: 'failed',
      error: { message: expect.stringContaining(`the gateway threw ${name}`) as string },
    });
    expect('error' in outcome && outcome.error.cause).toBe(
      thrown instanceof Error ? thrown : undefined,
    );
  });

  it('C3 passes on its error as the cause, except an error of the AWS SDK, which may contain a token', async () => {
    const own = new TypeError('boom');
    const aws = Object.assign(new Error('x-amz-security-token:T'), { $metadata: {} });
    const causes = [own, aws].map(async (error) => {
      const outcome = await posterOf(() => Promise.reject(error)).post('c', 'x', within(5_000));
      return 'error' in outcome && outcome.error.cause;
    });
    expect(await Promise.all(causes)).toEqual([own, undefined]);
  });

  it('B5 is awaited only until the limit if it never answers', async () => {
    const poster = posterOf(() => new Promise(() => {}));
    const posts = Array.from({ length: 20 }, (_, i) => poster.post(`c${i}`, 'x', within(200)));
    for (const outcome of await Promise.all(posts))
      expect(outcome).toMatchObject({ result: 'retry' });
  });

  it('gets an error of Gatecast if it gives none', async () => {
    const post = async (): Promise<PostOutcome> => ({ result: 'refused' }) as PostOutcome;
    expect(await posterOf(post).post('c', 'x', within(5_000))).toMatchObject({
      result: 'refused',
      error: { code: 'ERR_DELIVERY_FAILED' },
    });
  });
});

describe('the pace', () => {
  it('allows as many posts as its rate, and those of a tenth of a second at once', () => {
    let now = 0;
    const pace = new Pace(1_000, () => now);
    let begun = 0;
    for (; now < 2_000; now += 1) while (pace.take() === 0) begun += 1;
    expect(begun).toBeGreaterThanOrEqual(2_000);
    expect(begun).toBeLessThanOrEqual(2_101);
  });

  it('returns how long to wait for the next post', () => {
    let now = 0;
    const pace = new Pace(10, () => now);
    expect(pace.take()).toBe(0);
    const waitMs = pace.take();
    expect(waitMs).toBe(100);
    now += waitMs / 2;
    expect(pace.take()).toBe(50);
    now += waitMs / 2;
    expect(pace.take()).toBe(0);
  });

  it('falls to seven tenths for each tenth of a second with a 429, and recovers by 3 %', () => {
    let now = 0;
    const pace = new Pace(8_000, () => now);
    pace.slowDown();
    pace.slowDown();
    now += 100;
    expect(pace.rate).toBeCloseTo(5_600);
    now += 100;
    expect(pace.rate).toBeCloseTo(5_840);
    for (let step = 0; step < 50; step += 1) {
      pace.slowDown();
      now += 100;
      expect(pace.rate).toBeGreaterThanOrEqual(400);
    }
    expect(pace.rate).toBeCloseTo(400);
    now += 60_000;
    expect(pace.rate).toBe(8_000);
  });

  it('C4 stays the same if only few posts are throttled, which points to single connections', () => {
    let now = 0;
    const pace = new Pace(8_000, () => now);
    for (let post = 0; post < 200; post += 1) pace.take();
    for (let answer = 0; answer < 4; answer += 1) pace.slowDown();
    now += 100;
    expect(pace.rate).toBe(8_000);
    for (let post = 0; post < 200; post += 1) pace.take();
    for (let answer = 0; answer < 5; answer += 1) pace.slowDown();
    now += 100;
    expect(pace.rate).toBeCloseTo(5_600);
  });

  it('C4 falls if more than one of fifty is throttled, in each tenth of a second', () => {
    let now = 0;
    const pace = new Pace(8_000, () => now);
    for (const rate of [5_600, 3_920]) {
      for (let post = 0; post < 49; post += 1) pace.take();
      pace.slowDown();
      now += 100;
      expect(pace.rate).toBeCloseTo(rate);
    }
  });

  it('makes posts wait', async () => {
    const post = vi.fn(async () => delivered);
    const poster = posterOf(post, 100);
    const startedAt = Date.now();
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => poster.post(`c${i}`, 'x', within(30_000))),
    );
    // Ten at once, and the other thirty at a hundred per second; timers may fire a millisecond early.
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(280);
  });
});
