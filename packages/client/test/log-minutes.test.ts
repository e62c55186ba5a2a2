// The client on channels with history, against a simulated server with a true log for each, a network that loses,
// doubles and reorders, and pages that are hidden, frozen and loaded again: in virtual time, and from a seed.
// log-simulation/world.ts lists what must never happen. log-hours.test.ts does the same for long lives.
//
//   FUZZ_SEED=7 npx vitest run packages/client/test/log-minutes.test.ts    one seed, with everything that happens
//   FUZZ_RUNS=500 npx vitest run packages/client/test/log-minutes.test.ts  fewer seeds, or more
import { expect, it } from 'vitest';
import { fuzzLog, traceLog } from './log-simulation/fuzz.js';
import { seedsOf } from './simulation/fuzz.js';

const { FUZZ_SEED } = process.env;

it('hands over exactly the log in 7,000 lives of minutes', { timeout: 900_000 }, async () => {
  if (FUZZ_SEED !== undefined) console.log(await traceLog('minutes', Number(FUZZ_SEED)));
  expect(await fuzzLog('minutes', seedsOf({ first: 1, count: 7_000 }))).toBe('');
});

it('lives the same life again for the same seed', async () => {
  const first = await traceLog('minutes', 7);
  expect(first).toContain('heard');
  expect(await traceLog('minutes', 7)).toBe(first);
});
