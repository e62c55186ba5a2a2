// First, so that no other module sees the real clock.
// oxlint-disable-next-line import/no-unassigned-import -- it puts the world's functions in their place.
import './world/install.js';
import { parentPort } from 'node:worker_threads';
import { drawPlan } from './run/draw-plan.js';
import type { Outcome } from './run/outcome.js';
import type { Level, Plan, StoreName } from './run/plan.js';
import { runPlan } from './run/run-plan.js';

// Traces of errors take time, and nobody reads them.
Error.stackTraceLimit = 0;

/** What a worker is asked to do: one run, by its seed or by its plan. */
export type Task =
  | { readonly seed: number; readonly store: StoreName; readonly level?: Level | undefined }
  | { readonly plan: Plan; readonly isTold: boolean };

/** What it answers. */
export interface Answer {
  readonly plan: Plan;
  readonly outcome: Outcome;
}

async function run(task: Task): Promise<Answer> {
  const plan = 'plan' in task ? task.plan : drawPlan(task);
  return { plan, outcome: await runPlan(plan, 'plan' in task && task.isTold) };
}

parentPort?.on('message', (tasks: readonly Task[]) => {
  void (async () => {
    const answers: Answer[] = [];
    for (const task of tasks) answers.push(await run(task));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
    parentPort?.postMessage(answers);
  })();
});
