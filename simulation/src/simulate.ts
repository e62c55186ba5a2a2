import { bundle, type Patch } from './bundle.js';
import type { Outcome } from './run/outcome.js';
import type { Level, Plan, StoreName } from './run/plan.js';
import { shrink } from './shrink.js';
import type { Answer } from './worker.js';
import { Workers } from './workers.js';

export interface SimulationOptions {
  readonly runs: number;
  /** Seed of the first run; each further run has the next one. */
  readonly firstSeed: number;
  readonly store: StoreName;
  /** @default both, each in some of the runs */
  readonly level?: Level | undefined;
  readonly workers: number;
  /** Mistakes to put into the project's code. @default none */
  readonly patches?: readonly Patch[];
  /** Whether to end with the first run that breaks a promise. @default false */
  readonly endsAtFirst?: boolean;
  readonly onProgress?: (runs: number) => void;
}

/** A run that broke a promise. */
export interface FailedRun {
  readonly seed: number;
  readonly plan: Plan;
  readonly outcome: Outcome;
}

/** What all runs were like. */
export interface Totals {
  runs: number;
  /** Sums of the counts and of the faults of all runs, by their names. */
  readonly sums: Record<string, number>;
  readonly faults: Record<string, number>;
  /** Failed runs, the one with the lowest seed first. */
  readonly failed: FailedRun[];
}

const RUNS_AT_ONCE = 10;

/** Does many runs, each with its own seed. The result does not depend on the number of workers. */
export async function simulate(options: SimulationOptions): Promise<Totals> {
  const { runs, firstSeed, store, level, endsAtFirst = false, onProgress } = options;
  await using file = await bundle(options.patches ?? []);
  await using workers = new Workers(file, options.workers);
  const totals: Totals = { runs: 0, sums: {}, faults: {}, failed: [] };
  let next = 0;
  const work = async (thread: number): Promise<void> => {
    const isOver = (): boolean => next >= runs || (endsAtFirst && totals.failed.length > 0);
    while (!isOver()) {
      const first = firstSeed + next;
      const count = Math.min(RUNS_AT_ONCE, runs - next);
      next += count;
      const tasks = Array.from({ length: count }, (_, index) => ({
        seed: first + index,
        store,
        level,
      }));
      for (const answer of await workers.ask(thread, tasks)) add(totals, answer);
      onProgress?.(totals.runs);
    }
  };
  await Promise.all(Array.from({ length: workers.size }, (_, thread) => work(thread)));
  totals.failed.sort((one, other) => one.seed - other.seed);
  return totals;
}

/** The smallest form of a failed run, and its story. */
export async function explain(
  plan: Plan,
  patches: readonly Patch[] = [],
): Promise<{ readonly plan: Plan; readonly outcome: Outcome }> {
  await using file = await bundle(patches);
  await using workers = new Workers(file, 1);
  const run = async (planned: Plan, isTold: boolean): Promise<Outcome> => {
    const [answer] = await workers.ask(0, [{ plan: planned, isTold }]);
    return (answer as Answer).outcome;
  };
  const smallest = await shrink(plan, (planned) => run(planned, false));
  return { plan: smallest, outcome: await run(smallest, true) };
}

function add(totals: Totals, { plan, outcome }: Answer): void {
  totals.runs += 1;
  for (const [name, count] of Object.entries(outcome.counts)) {
    totals.sums[name] = (totals.sums[name] ?? 0) + count;
  }
  for (const [name, count] of Object.entries(outcome.faults)) {
    totals.faults[name] = (totals.faults[name] ?? 0) + count;
  }
  if (outcome.violation) totals.failed.push({ seed: plan.seed, plan, outcome });
}
