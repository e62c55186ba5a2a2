import { AppRun } from '../app/app-run.js';
import { enterWorld } from '../world/install.js';
import { LogRun } from './log-run.js';
import type { Outcome } from './outcome.js';
import type { Plan } from './plan.js';
import { Scene } from './scene.js';

/**
 * Does the run of a plan.
 *
 * @param isTold - Whether to write the story down.
 */
export async function runPlan(plan: Plan, isTold: boolean): Promise<Outcome> {
  const scene = new Scene(plan, isTold);
  enterWorld(scene.world);
  try {
    const run = plan.level === 'app' ? new AppRun(scene) : new LogRun(scene);
    await run.run().catch((error: Error) => scene.report('end', error.message));
    return scene.outcome();
  } finally {
    enterWorld(undefined);
  }
}
