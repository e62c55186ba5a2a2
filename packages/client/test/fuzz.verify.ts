import { expect, it } from 'vitest';
import { fuzz, seedsOf } from './simulation/fuzz.js';

it.each([1, 2, 3, 4])(
  'keeps the rules in 25,000 simulated lives, part %i of 4',
  { timeout: 1_200_000 },
  async (part) => {
    expect(await fuzz(seedsOf({ first: part * 1_000_000, count: 25_000 }))).toBe('');
  },
);
