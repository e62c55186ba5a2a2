import type { CreateClient } from './client-under-test.js';
import { drawPlan, type Plan } from './plan.js';
import { shrink } from './shrink.js';
import { type Run, simulate } from './simulate.js';
import type { Kind } from './world.js';

/** Which seeds are run. */
export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/** The seeds of the environment variables, else those given. */
export function seedsOf(seeds: Seeds): Seeds {
  const { FUZZ_SEED, FUZZ_RUNS } = process.env;
  const first = FUZZ_SEED === undefined ? seeds.first : Number(FUZZ_SEED);
  const count = FUZZ_SEED === undefined ? seeds.count : 1;
  return { first, count: FUZZ_RUNS === undefined ? count : Number(FUZZ_RUNS) };
}

/** Runs seeds, and says what went wrong: each kind once, with its shortest script. */
export async function fuzz({ first, count }: Seeds, createClient?: CreateClient): Promise<string> {
  const failed = new Map<Kind, Plan[]>();
  for (let seed = first; seed < first + count; seed += 1) {
    const plan = drawPlan(seed);
    const { violation } = await simulate(plan, createClient);
    if (violation) failed.set(violation.kind, [...(failed.get(violation.kind) ?? []), plan]);
  }
  const reports: string[] = [];
  for (const [kind, plans] of failed) {
    reports.push(await explain(kind, plans, createClient));
  }
  return reports.join('\n\n');
}

/** Everything that happens in the run of a seed. */
export async function trace(seed: number, createClient?: CreateClient): Promise<string> {
  return describe(await simulate(drawPlan(seed), createClient));
}

async function explain(
  kind: Kind,
  plans: readonly Plan[],
  createClient: CreateClient | undefined,
): Promise<string> {
  const [plan] = plans as [Plan];
  const run = (smaller: Plan): Promise<Run> => simulate(smaller, createClient);
  const stillFails = async (smaller: Plan): Promise<boolean> =>
    (await run(smaller)).violation?.kind === kind;
  const smallest = await shrink(plan, stillFails);
  const seeds = plans.slice(0, 10).map(({ seed }) => seed);
  return [
    `${kind}: ${plans.length} of the seeds, ${seeds.join(', ')}`,
    `All of seed ${plan.seed}: FUZZ_SEED=${plan.seed} npx vitest run packages/client/test/fuzz.test.ts`,
    `What is left of it, with the faults ${JSON.stringify(smallest.rates)}:`,
    describe(await run(smallest)),
  ].join('\n');
}

function describe(run: Run): string {
  const { violation } = run;
  return `${run.trace()}\n${violation ? `${violation.kind}: ${violation.text}` : 'Nothing went wrong.'}`;
}
