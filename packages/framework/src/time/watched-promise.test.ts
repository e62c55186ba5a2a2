import { describe, expect, it, vi } from 'vitest';
import { WatchedPromise } from './watched-promise.js';

const resolved = () => new WatchedPromise<number>((resolve) => resolve(1));
const never = new Promise<never>(() => {});
const rejected = () => new WatchedPromise<number>((_resolve, reject) => reject(new Error('no')));

describe('WatchedPromise', () => {
  it('is not awaited by itself, and ends no process when it rejects', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const promises = [resolved(), rejected()];
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(promises.map(({ isAwaited }) => isAwaited)).toEqual([false, false]);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it.each<[string, (promise: WatchedPromise<number>) => unknown]>([
    ['await', async (promise) => promise],
    ['then', (promise) => promise.then()],
    ['catch', (promise) => promise.catch(() => 2)],
    ['finally', (promise) => promise.finally(() => undefined)],
    ['Promise.all', (promise) => Promise.all([promise, resolved()])],
    ['Promise.race', (promise) => Promise.race([promise, never])],
    ['Promise.allSettled', (promise) => Promise.allSettled([promise, resolved()])],
    ['Promise.resolve', (promise) => Promise.resolve(promise)],
    ['another promise', (promise) => new Promise((resolve) => resolve(promise))],
  ])('notices %s', async (_how, use) => {
    const promise = resolved();
    await use(promise);
    expect(promise.isAwaited).toBe(true);
  });

  it('is a promise like others for whoever waits', async () => {
    await expect(resolved()).resolves.toBe(1);
    await expect(rejected()).rejects.toThrow('no');
    expect(rejected().catch(() => 2)).not.toBeInstanceOf(WatchedPromise);
  });
});
