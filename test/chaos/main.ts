// `npm run chaos -- [--minutes N] [--store NAME] [--seed N]`: clients in Node and in Chromium talk through the
// local gateway while everything fails around them. At the end, what each of them has seen is compared with the log.
import { parseArgs } from 'node:util';
import { STORES } from './engines.js';
import { describe, isGood } from './report.js';
import { runChaos } from './run-chaos.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    store: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const stores = STORES.filter((name) => values.store === 'all' || values.store === name);
if (!(minutes > 0 && minutes <= 1_440)) {
  throw new Error(`--minutes is "${values.minutes}", but has to be a number above 0, up to 1440.`);
}
if (!Number.isSafeInteger(seed) || seed < 0) {
  throw new Error(`--seed is "${values.seed}", but has to be a whole number.`);
}
if (stores.length === 0) {
  throw new Error(
    `--store is "${values.store}", but has to be all or one of ${STORES.join(', ')}.`,
  );
}
// Ends what was started.
process.once('SIGINT', () => process.exit(130));
for (const store of stores) {
  const options = { store, seed, durationMs: minutes * 60_000 };
  const result = await runChaos(options);
  process.stdout.write(`${describe(result, options)}\n\n`);
  if (!isGood(result)) process.exitCode = 1;
}
