// As log-minutes.test.ts, in lives that are so long that connections are replaced, which they are after 105 to 115 min.
import { expect, it } from 'vitest';
import { fuzzLog, traceLog } from './log-simulation/fuzz.js';
import { seedsOf } from './simulation/fuzz.js';

const { FUZZ_SEED } = process.env;

it('hands over exactly the log in 3,000 lives of hours', { timeout: 900_000 }, async () => {
  if (FUZZ_SEED !== undefined) console.log(await traceLog('hours', Number(FUZZ_SEED)));
  expect(await fuzzLog('hours', seedsOf({ first: 1, count: 3_000 }))).toBe('');
});
