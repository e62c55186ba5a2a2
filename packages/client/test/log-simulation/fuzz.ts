import type { Seeds } from '../simulation/fuzz.js';
import { shrink } from '../simulation/shrink.js';
import type { CreateLogClient } from './client-under-test.js';
import { drawLogPlan, type LogPlan, type Span } from './plan.js';
import { type LogRun, simulateLog } from './simulate.js';
import type { LogKind } from './world.js';

/** Runs seeds, and says what went wrong: each kind once, with its shortest script. */
export async function fuzzLog(
  span: Span,
  { first, count }: Seeds,
  create?: CreateLogClient,
): Promise<string> {
  const failed = new Map<LogKind, LogPlan[]>();
  for (let seed = first; seed < first + count; seed += 1) {
    const plan = drawLogPlan(seed, span);
    const { violation } = await simulateLog(plan, create);
    if (violation) failed.set(violation.kind, [...(failed.get(violation.kind) ?? []), plan]);
  }
  const reports: string[] = [];
  for (const plans of failed.values()) reports.push(await explain(span, plans, create));
  return reports.join('\n\n');
}

/** Everything that happens in the run of a seed. */
export async function traceLog(span: Span, seed: number): Promise<string> {
  return describe(await simulateLog(drawLogPlan(seed, span)));
}

async function explain(
  span: Span,
  plans: readonly LogPlan[],
  create: CreateLogClient | undefined,
): Promise<string> {
  const [plan] = plans as [LogPlan];
  const kind = (await simulateLog(plan, create)).violation?.kind;
  const smallest = await shrink(
    plan,
    async (smaller: LogPlan) => (await simulateLog(smaller, create)).violation?.kind === kind,
  );
  const seeds = plans.slice(0, 10).map(({ seed }) => seed);
  return [
    `${kind}: ${plans.length} of the seeds, ${seeds.join(', ')}`,
    `All of seed ${plan.seed}: FUZZ_SEED=${plan.seed} npx vitest run packages/client/test/log-${span}.test.ts`,
    `What is left of it, with the faults ${JSON.stringify(smallest.rates)} and ${JSON.stringify(smallest.setting)}:`,
    describe(await simulateLog(smallest, create)),
  ].join('\n');
}

function describe(run: LogRun): string {
  const { violation } = run;
  return `${run.trace()}\n${violation ? `${violation.kind}: ${violation.text}` : 'Nothing went wrong.'}`;
}
