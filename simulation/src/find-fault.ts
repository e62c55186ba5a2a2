import { bundle } from './bundle.js';
import type { Rule } from './check/violation.js';
import type { PlantedFault } from './faults/planted-fault.js';
import { schedules } from './faults/schedules.js';
import { simulate } from './simulate.js';
import { Workers } from './workers.js';

/** Most runs that a fault may take to be noticed. */
export const RUNS_PER_FAULT = 30_000;

/** How a planted fault was noticed. */
export interface FaultResult {
  readonly fault: PlantedFault;
  /** Runs that were done, up to the one that has noticed it; `undefined` if it was a schedule written by hand. */
  readonly runs?: number;
  /** The run that has noticed it; `undefined` if none did. */
  readonly seed?: number;
  /** The promise that it broke; `undefined` if it was not noticed. */
  readonly rule?: Rule | undefined;
}

/** Plants a fault, and does runs until one of them breaks a promise. */
export async function findFault(
  fault: PlantedFault,
  { runs, workers }: { readonly runs: number; readonly workers: number },
): Promise<FaultResult> {
  const totals = await simulate({
    runs,
    firstSeed: 1,
    store: 'dynamodb',
    workers,
    patches: fault.patches,
    endsAtFirst: true,
  });
  const [failed] = totals.failed;
  if (!failed?.outcome.violation) return { fault, runs: totals.runs };
  return { fault, runs: failed.seed, seed: failed.seed, rule: failed.outcome.violation.rule };
}

/** Plants a fault that needs a schedule written by hand. */
export async function playSchedule(fault: PlantedFault): Promise<FaultResult> {
  const plan = schedules[fault.name];
  if (!plan) throw new Error(`There is no schedule for "${fault.name}".`);
  await using file = await bundle(fault.patches);
  await using workers = new Workers(file, 1);
  const [answer] = await workers.ask(0, [{ plan, isTold: false }]);
  return { fault, rule: answer?.outcome.violation?.rule };
}
