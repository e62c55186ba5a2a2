import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bundle, type Patch, patched } from '../src/bundle.js';
import { faultNamed, faults } from '../src/faults/faults.js';
import { noTimeLimit } from '../src/faults/log-faults.js';
import { schedules } from '../src/faults/schedules.js';
import { findFault } from '../src/find-fault.js';
import type { Plan } from '../src/run/plan.js';
import { Workers } from '../src/workers.js';

/** Faults that are noticed in so few runs that every `npm test` can look for them. */
const QUICK = [
  'no ring condition',
  'drop without looking at the log',
  'duplicate check by ring only',
  'reader ignores BODY',
  'trimmed answered as resumed',
  'twin under a nonce of its own',
  'only the first page of a range read',
  'membership after the log',
  'membership read eventually',
  'no fan-out after a duplicate',
  'client drops the next event, too',
  'client delivers out of order',
];

describe('the planted faults', { timeout: 900_000 }, () => {
  it.each(faults)('$name fits into the source once', async ({ patches }) => {
    for (const patch of patches) {
      const url = new URL(`../../${patch.file}`, import.meta.url);
      const source = await readFile(url, 'utf8');
      expect(patched(source, [patch])).not.toBe(source);
    }
  });

  it.each(QUICK)('%s is noticed', async (name) => {
    const { seed } = await findFault(faultNamed(name), { runs: 500, workers: 2 });
    expect(seed).toBeGreaterThan(0);
  });

  it.each(Object.entries(schedules))('%s is noticed by a schedule', async (name, plan) => {
    expect(await violationOf(plan, [])).toBeUndefined();
    // What bounds the time of an append would hide what the fault breaks.
    expect(await violationOf(plan, [noTimeLimit])).toBeUndefined();
    expect(await violationOf(plan, faultNamed(name).patches)).toBe('durable');
  });
});

async function violationOf(plan: Plan, patches: readonly Patch[]): Promise<string | undefined> {
  await using file = await bundle(patches);
  await using workers = new Workers(file, 1);
  const [answer] = await workers.ask(0, [{ plan, isTold: false }]);
  return answer?.outcome.violation?.rule;
}
