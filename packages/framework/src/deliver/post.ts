import { setTimeout as sleep } from 'node:timers/promises';
import type { Gateway, PostOutcome } from './gateway.js';

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;

/** How long a post may be tried. */
export interface PostBudget {
  /** No new attempt starts after it, in milliseconds since 1970. */
  readonly deadline: number;
  /** The clock. */
  readonly now: () => number;
}

/** Posts one frame, and again with full jitter while that may help and the budget lasts. */
export async function postWithRetry(
  post: () => ReturnType<Gateway['post']>,
  { deadline, now }: PostBudget,
): Promise<PostOutcome> {
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await post();
    if (outcome.result !== 'retry' && outcome.result !== 'throttled') return outcome;
    const delayMs = Math.random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
    if (now() + delayMs >= deadline) return outcome;
    await sleep(delayMs);
  }
}
