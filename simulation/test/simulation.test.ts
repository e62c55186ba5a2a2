import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bundle } from '../src/bundle.js';
import { faultNamed } from '../src/faults/faults.js';
import { describeFailure, describeSeeds, describeTotals } from '../src/report.js';
import { explain, simulate } from '../src/simulate.js';
import type { Task } from '../src/worker.js';
import { Workers } from '../src/workers.js';

const RUNS = 2_000;
/** For machines that do other things meanwhile. */
const TIMEOUT_MS = 900_000;

// Like the other tests of Redis: skipped without redis-server, but not in CI.
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
const isWithoutRedis = !hasRedis && !process.env['CI'];
// oxlint-disable-next-line no-console -- a part that is not tested is skipped loudly.
if (isWithoutRedis) console.warn('Redis is NOT simulated: apt-get install redis-server');

describe('the simulation', { timeout: TIMEOUT_MS }, () => {
  it(`keeps every promise in ${RUNS} runs on DynamoDB`, async () => {
    const totals = await simulate({ runs: RUNS, firstSeed: 1, store: 'dynamodb', workers: 2 });
    // oxlint-disable-next-line no-console -- the figures are part of the documentation.
    console.log(describeTotals(totals, 'dynamodb'));
    expect(totals.failed.map(({ seed, outcome }) => [seed, outcome.violation])).toEqual([]);
    // Runs without messages or faults would prove nothing.
    expect(totals.sums['acknowledged']).toBeGreaterThan(RUNS);
    expect(totals.faults['death']).toBeGreaterThan(RUNS / 10);
    expect(totals.faults['freeze']).toBeGreaterThan(RUNS / 10);
  });

  it('keeps every promise in 500 runs on memory', async () => {
    const totals = await simulate({ runs: 500, firstSeed: 1, store: 'memory', workers: 2 });
    expect(totals.failed.map(({ seed, outcome }) => [seed, outcome.violation])).toEqual([]);
  });

  it.skipIf(isWithoutRedis)(
    'keeps every promise in 100 runs on Redis, also when it fails over',
    async () => {
      const totals = await simulate({ runs: 100, firstSeed: 1, store: 'redis', workers: 2 });
      expect(totals.failed.map(({ seed, outcome }) => [seed, outcome.violation])).toEqual([]);
      expect(totals.sums['acknowledged']).toBeGreaterThan(100);
    },
  );

  it('does the same run again from its seed', async () => {
    await using file = await bundle([]);
    await using workers = new Workers(file, 2);
    const seeds: Task[] = [3, 4, 5].map((seed) => ({ seed, store: 'dynamodb' }));
    const once = await workers.ask(0, seeds);
    const again = await workers.ask(1, seeds.toReversed());
    expect(again.toReversed()).toEqual(once);
    const [told] = await workers.ask(1, [{ plan: once[0]!.plan, isTold: true }]);
    expect({ ...told!.outcome, story: [] }).toEqual(once[0]!.outcome);
    expect(told!.outcome.story.length).toBeGreaterThan(10);
  });

  it('shrinks a run that breaks a promise, and tells how it came about', async () => {
    const { patches } = faultNamed('twin under a nonce of its own');
    const options = { runs: 100, firstSeed: 1, store: 'dynamodb', workers: 2, patches } as const;
    const { failed } = await simulate({ ...options, endsAtFirst: true });
    const first = failed[0]!;
    expect(describeSeeds(failed)).toContain(`${first.seed} (once)`);
    const smallest = await explain(first.plan, patches);
    expect(smallest.plan.operations.length).toBeLessThan(first.plan.operations.length);
    const story = describeFailure(first, smallest);
    expect(story).toMatch(/BROKEN \(once\): m\d+ is at /);
    expect(await explain(first.plan, patches)).toEqual(smallest);
  });
});
