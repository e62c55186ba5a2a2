import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_TIMER_MS, pause, timeLeftMs, withinTime } from './time-limit.js';

const never = new Promise<never>(() => {});
const tooLate = (): Error => new Error('too late');

/** What a promise rejects with. It counts as handled from now on. */
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it did not reject',
    (reason: unknown) => reason,
  );

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  vi.useFakeTimers();
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});

afterEach(async () => {
  vi.useRealTimers();
  // A rejection counts as unhandled when a turn has passed.
  await new Promise((resolve) => setTimeout(resolve));
  process.off('unhandledRejection', note);
  // oxlint-disable-next-line vitest/no-standalone-expect -- it is asserted of every test.
  expect(unhandled).toEqual([]);
});

describe('timeLeftMs()', () => {
  it('is what is left, never less than nothing', () => {
    expect(timeLeftMs({ endsAt: Date.now() + 30 })).toBe(30);
    expect(timeLeftMs({ endsAt: Date.now() - 30 })).toBe(0);
    expect(timeLeftMs({})).toBe(Infinity);
  });

  it('is nothing once the signal is aborted', () => {
    const abort = new AbortController();
    const limit = { endsAt: Date.now() + 30, signal: abort.signal };
    expect(timeLeftMs(limit)).toBe(30);
    abort.abort();
    expect(timeLeftMs(limit)).toBe(0);
    expect(timeLeftMs({ signal: abort.signal })).toBe(0);
  });
});

describe('withinTime()', () => {
  it('is what the promise is, when that is in time', async () => {
    const limit = { endsAt: Date.now() + 1_000 };
    await expect(withinTime(Promise.resolve('done'), limit, tooLate)).resolves.toBe('done');
    await expect(withinTime(Promise.resolve('done'), {}, tooLate)).resolves.toBe('done');
    const failing = withinTime(Promise.reject(new Error('it failed')), limit, tooLate);
    await expect(failing).rejects.toThrow('it failed');
  });

  it('rejects when the time is over, not before', async () => {
    const settled = vi.fn();
    const limit = { endsAt: Date.now() + 1_000 };
    const waiting = withinTime(never, limit, tooLate).finally(settled);
    const failure = reasonOf(waiting);
    await vi.advanceTimersByTimeAsync(999);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({ message: 'too late' });
  });

  it('rejects with the reason of the signal, whatever time is left', async () => {
    const abort = new AbortController();
    const reason = new Error('the handler has answered');
    const { signal } = abort;
    const [limited, unlimited] = [
      withinTime(never, { endsAt: Date.now() + 1_000, signal }, tooLate),
      withinTime(never, { signal }, tooLate),
    ];
    const failures = [reasonOf(limited), reasonOf(unlimited)];
    abort.abort(reason);
    expect(await Promise.all(failures)).toEqual([reason, reason]);
    await expect(withinTime(never, { signal }, tooLate)).rejects.toBe(reason);
  });

  it('leaves no rejection unhandled when the promise fails after the time is over', async () => {
    const abort = new AbortController();
    const { signal } = abort;
    let fail: (error: Error) => void = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const over = withinTime(late, { endsAt: Date.now() + 10 }, tooLate);
    const aborted = withinTime(late, { signal }, tooLate);
    const failures = [reasonOf(over), reasonOf(aborted)];
    await vi.advanceTimersByTimeAsync(10);
    abort.abort('enough');
    expect(await Promise.all(failures)).toEqual([tooLate(), 'enough']);
    fail(new Error('it failed afterwards'));
  });

  it('leaves neither a timer nor a listener behind', async () => {
    const { signal } = new AbortController();
    const limit = { endsAt: Date.now() + 1_000, signal };
    await withinTime(Promise.resolve(), limit, tooLate);
    await expect(withinTime(Promise.reject(tooLate()), limit, tooLate)).rejects.toThrow('too late');
    const over = reasonOf(withinTime(never, limit, tooLate));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await over).toEqual(tooLate());
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it.each([MAX_TIMER_MS + 1, 1e15, Infinity])(
    'E7 does not end at once when %d ms are left',
    async (leftMs) => {
      const settled = vi.fn();
      const abort = new AbortController();
      const limit = { endsAt: Date.now() + leftMs, signal: abort.signal };
      const waiting = withinTime(never, limit, tooLate).finally(settled);
      const failure = reasonOf(waiting);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(settled).not.toHaveBeenCalled();
      abort.abort('enough');
      expect(await failure).toBe('enough');
    },
  );
});

describe('pause()', () => {
  it('waits so long', async () => {
    const ended = vi.fn();
    const { signal } = new AbortController();
    const waiting = pause(1_000, signal).then(ended);
    await vi.advanceTimersByTimeAsync(999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends early when it is aborted, and leaves neither a timer nor a listener', async () => {
    const abort = new AbortController();
    const failure = reasonOf(pause(1_000, abort.signal));
    abort.abort('enough');
    expect(await failure).toBe('enough');
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    await expect(pause(1_000, abort.signal)).rejects.toBe('enough');
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([MAX_TIMER_MS + 1, Infinity])('E7 does not end at once with %d ms', async (ms) => {
    const abort = new AbortController();
    const ended = vi.fn();
    const failure = reasonOf(pause(ms, abort.signal).finally(ended));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended).not.toHaveBeenCalled();
    abort.abort('enough');
    expect(await failure).toBe('enough');
  });
});
