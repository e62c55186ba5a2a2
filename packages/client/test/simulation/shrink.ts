import type { Lot } from './world.js';

/** A plan of which steps can be left out. */
interface Shrinkable extends Lot {
  readonly steps: readonly unknown[];
}

/** How many plans are tried at most. */
const MAX_TRIES = 1_000;

/** Leaves out faults and steps that are not needed for a plan to fail. */
export async function shrink<P extends Shrinkable>(
  plan: P,
  stillFails: (plan: P) => Promise<boolean>,
): Promise<P> {
  let smallest = plan;
  let tries = 0;
  const attempt = async (smaller: P): Promise<boolean> => {
    if (tries >= MAX_TRIES) return false;
    tries += 1;
    if (!(await stillFails(smaller))) return false;
    smallest = smaller;
    return true;
  };
  let before: P;
  do {
    before = smallest;
    for (const name of Object.keys(plan.rates)) {
      const { [name]: left, ...rates } = smallest.rates;
      if (left !== undefined) await attempt({ ...smallest, rates });
    }
    for (let size = Math.ceil(plan.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < smallest.steps.length; ) {
        const steps = smallest.steps.toSpliced(start, size);
        if (!(await attempt({ ...smallest, steps }))) start += size;
      }
    }
  } while (smallest !== before);
  return smallest;
}
