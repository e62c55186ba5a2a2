import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Deadlines } from './deadlines.js';
import { MAX_TIMER_MS } from './time-limit.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('calls back each deadline in its time, and none that was removed', () => {
  const deadlines = new Deadlines();
  const now = Date.now();
  const called: string[] = [];
  const add = (name: string, ms: number) =>
    deadlines.add({ at: now + ms, onTime: () => called.push(`${name} ${Date.now() - now}`) });
  const removed = [add('first', 10), add('second', 10), add('third', 20), add('fourth', 5)];
  add('fifth', 30);
  add('sixth', 10);
  add('seventh', -1);
  for (const deadline of removed) deadlines.remove(deadline);
  vi.advanceTimersByTime(10);
  expect(called).toEqual(['seventh 0', 'sixth 10']);
  vi.advanceTimersByTime(100);
  expect(called).toEqual(['seventh 0', 'sixth 10', 'fifth 30']);
  expect(vi.getTimerCount()).toBe(0);
});

it('may be added to and removed from by what it calls back', () => {
  const deadlines = new Deadlines();
  const at = Date.now() + 10;
  const called: string[] = [];
  const later = deadlines.add({ at: at + 10, onTime: () => called.push('later') });
  const first = deadlines.add({
    at,
    onTime: () => {
      called.push('first');
      for (const item of [first, later, second]) deadlines.remove(item);
      deadlines.add({ at: at + 5, onTime: () => called.push('added') });
    },
  });
  const second = deadlines.add({ at, onTime: () => called.push('second') });
  deadlines.add({ at, onTime: () => called.push('third') });
  vi.advanceTimersByTime(100);
  expect(called).toEqual(['first', 'third', 'added']);
});

it('E7 waits longer than a timer can', () => {
  const deadlines = new Deadlines();
  const onTime = vi.fn();
  deadlines.add({ at: Date.now() + MAX_TIMER_MS + 1_000, onTime });
  vi.advanceTimersByTime(MAX_TIMER_MS);
  expect(onTime).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(onTime).toHaveBeenCalledOnce();
});

it('keeps the process alive only while something waits', () => {
  vi.useRealTimers();
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const deadlines = new Deadlines();
  const far = Date.now() + 60_000;
  const first = deadlines.add({ at: far, onTime: () => {} });
  expect(timers()).toBe(before + 1);
  deadlines.remove(first);
  expect(timers()).toBe(before);
  const second = deadlines.add({ at: far + 1, onTime: () => {} });
  expect(timers()).toBe(before + 1);
  deadlines.remove(second);
  expect(timers()).toBe(before);
});
