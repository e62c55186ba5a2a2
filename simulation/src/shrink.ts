import type { Outcome } from './run/outcome.js';
import type { Operation, Plan } from './run/plan.js';

/** Most runs that shrinking takes. */
const MOST_RUNS = 600;

/** Does a run of a plan. */
export type RunPlan = (plan: Plan) => Promise<Outcome>;

/**
 * Makes the plan of a failing run as small as possible: with fewer operations, and with fewer things that the
 * adversary does, it still has to break the same promise. The same plan always gives the same result.
 */
export async function shrink(plan: Plan, run: RunPlan): Promise<Plan> {
  const first = await run(plan);
  const { violation } = first;
  if (!violation) throw new Error(`Seed ${plan.seed} breaks no promise.`);
  let runs = 0;
  let [smallest, decisions] = [plan, first.decisions];
  const attempt = async (changed: Plan): Promise<boolean> => {
    if (runs >= MOST_RUNS) return false;
    runs += 1;
    const outcome = await run(changed);
    if (outcome.violation?.rule !== violation.rule) return false;
    [smallest, decisions] = [changed, outcome.decisions];
    return true;
  };
  for (let before = ''; before !== sizeOf(smallest, decisions); ) {
    before = sizeOf(smallest, decisions);
    for (const simpler of simplerThan(smallest)) await attempt({ ...smallest, ...simpler });
    await without(
      () => decisions,
      (left) => attempt({ ...smallest, left: [...smallest.left, ...left] }),
    );
    await without(
      () => smallest.operations,
      (left) => attempt(withoutOperations(smallest, new Set(left))),
    );
  }
  return smallest;
}

/** Tries to leave out large parts of a list, then smaller and smaller ones. */
async function without<T>(
  list: () => readonly T[],
  attempt: (left: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (let size = list().length; size >= 1; size = Math.floor(size / 2)) {
    for (let end = list().length; end > 0; end -= size) {
      const part = list().slice(Math.max(0, end - size), end);
      if (part.length > 0) await attempt(part);
    }
  }
}

function withoutOperations(plan: Plan, left: ReadonlySet<Operation>): Plan {
  return { ...plan, operations: plan.operations.filter((operation) => !left.has(operation)) };
}

/** Changes that make a plan simpler in one way each. */
function simplerThan({ weather, operations }: Plan): readonly Partial<Plan>[] {
  return [
    { firstOffset: 0 },
    { clients: 1 },
    { weather: { ...weather, pageBytes: 1_048_576 } },
    { weather: { ...weather, returnsOldItem: true } },
    { weather: { ...weather, deletionDelayMs: 0 } },
    {
      operations: operations.map((operation) =>
        operation.does === 'publish' ? { ...operation, againMs: [] } : operation,
      ),
    },
  ];
}

function sizeOf({ operations }: Plan, decisions: readonly string[]): string {
  return `${operations.length} ${decisions.length}`;
}
