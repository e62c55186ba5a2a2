import { describe, expect, it } from 'vitest';
import { inParallel } from './in-parallel.js';

/** Work that ends when the test lets it. */
class HeldWork {
  readonly started: string[] = [];
  readonly ended: string[] = [];
  readonly #ends = new Map<string, (error?: Error) => void>();

  readonly do = async (item: string): Promise<string> => {
    this.started.push(item);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#ends.set(item, (error) => (error ? reject(error) : resolve()));
      });
      return item.toUpperCase();
    } finally {
      this.ended.push(item);
    }
  };

  /** Ends one piece of work, and lets what follows from that happen. */
  async end(item: string, error?: Error): Promise<void> {
    this.#ends.get(item)?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What a promise rejects with. It counts as handled from now on. */
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it did not reject',
    (reason: unknown) => reason,
  );

describe('inParallel()', () => {
  it('returns what came of each, in the order of the items', async () => {
    const work = new HeldWork();
    const all = inParallel(['a', 'b', 'c'], 3, work.do);
    for (const item of ['c', 'a', 'b']) await work.end(item);
    await expect(all).resolves.toEqual(['A', 'B', 'C']);
    await expect(inParallel(['x', 'y'], 1, async (_item, index) => index)).resolves.toEqual([0, 1]);
    await expect(inParallel([], 3, work.do)).resolves.toEqual([]);
  });

  it('works on so many at once, and on the next when one ends', async () => {
    const work = new HeldWork();
    const all = inParallel(['a', 'b', 'c', 'd'], 2, work.do);
    expect(work.started).toEqual(['a', 'b']);
    await work.end('b');
    expect(work.started).toEqual(['a', 'b', 'c']);
    await work.end('c');
    await work.end('a');
    await work.end('d');
    await expect(all).resolves.toHaveLength(4);
  });

  it.each([0, -1, Number.NaN])('leaves nothing out with a limit of %d at once', async (atOnce) => {
    await expect(inParallel([1, 2], atOnce, async (item) => item * 2)).resolves.toEqual([2, 4]);
  });

  it('B5 starts nothing more after the first failure', async () => {
    const work = new HeldWork();
    const all = inParallel(['a', 'b', 'c', 'd', 'e'], 2, work.do);
    const failure = reasonOf(all);
    await work.end('a', new Error('a failed'));
    await work.end('b');
    expect(await failure).toMatchObject({ message: 'a failed' });
    expect(work.started).toEqual(['a', 'b']);
  });

  it('B5 waits for everything that was started before it fails', async () => {
    const work = new HeldWork();
    let isOver = false;
    const all = inParallel(['a', 'b', 'c', 'd'], 3, work.do).finally(() => {
      isOver = true;
    });
    const failure = reasonOf(all);
    await work.end('b', new Error('b failed'));
    expect(isOver).toBe(false);
    await work.end('a');
    expect(isOver).toBe(false);
    await work.end('c', new Error('c failed, too'));
    expect(await failure).toMatchObject({ message: 'b failed' });
    expect(work.ended).toEqual(['b', 'a', 'c']);
  });

  it('B5 fails with any thrown value, also at once and also undefined', async () => {
    const started: number[] = [];
    const all = inParallel([1, 2, 3], 1, (item) => {
      started.push(item);
      throw undefined;
    });
    await expect(all).rejects.toBeUndefined();
    expect(started).toEqual([1]);
  });
});
