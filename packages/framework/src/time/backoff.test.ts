import { afterEach, describe, expect, it, vi } from 'vitest';
import { backoffMs } from './backoff.js';

describe('backoffMs()', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    [1, 50],
    [2, 100],
    [5, 800],
    [6, 1_000],
    [5_000, 1_000],
  ])('after %d failures is anything from 0 to %d', (failed, mostMs) => {
    const random = vi.spyOn(Math, 'random');
    for (const drawn of [0, 0.25, 1 - Number.EPSILON]) {
      random.mockReturnValueOnce(drawn);
      expect(backoffMs(failed, { firstMs: 50, longestMs: 1_000 })).toBeCloseTo(drawn * mostMs);
    }
  });
});
