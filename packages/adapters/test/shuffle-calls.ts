import { setImmediate } from 'node:timers/promises';
import type { TableUnderTest } from './table-under-test.js';

/**
 * Lets the calls to a table proceed one at a time in a random order. This produces orders that a real
 * network would hardly ever show.
 */
export function shuffleCalls({ hooks }: TableUnderTest, seed: number): void {
  const waiting: (() => void)[] = [];
  let state = seed;
  let isRunning = false;
  let finish = (): void => {};
  const drain = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const finished = new Promise<void>((resolve) => {
        finish = resolve;
      });
      // The high bits of a linear congruential generator are random enough.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      waiting.splice(Math.floor((state / 2 ** 32) * waiting.length), 1)[0]?.();
      await finished;
      // Waits until the answered caller may have queued its next call, so that it can be chosen too.
      await setImmediate();
    }
    isRunning = false;
  };
  hooks.before = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (!isRunning) void drain();
    });
  hooks.finally = () => finish();
}
