// The client against a simulated server, network, page and application, in virtual time: what each part does
// follows from a seed, and simulation/world.ts lists what must never happen.
//
//   FUZZ_SEED=7 npx vitest run packages/client/test/fuzz.test.ts    one seed, with everything that happens
//   FUZZ_RUNS=500 npx vitest run packages/client/test/fuzz.test.ts  fewer seeds, or more
import { expect, it } from 'vitest';
import { fuzz, seedsOf, trace } from './simulation/fuzz.js';

const { FUZZ_SEED } = process.env;

it('keeps the rules in thousands of simulated lives', { timeout: 600_000 }, async () => {
  if (FUZZ_SEED !== undefined) console.log(await trace(Number(FUZZ_SEED)));
  expect(await fuzz(seedsOf({ first: 1, count: 3_000 }))).toBe('');
});

it('lives the same life again for the same seed', async () => {
  const first = await trace(7);
  expect(first).toContain('handshake');
  expect(await trace(7)).toBe(first);
});
