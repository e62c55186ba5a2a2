import { MAX_TIMER_MS, type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import { onAbort } from './on-abort.js';
import type { Pace } from './pace.js';

/**
 * Opening this many TLS connections at once, and one more with each answer, is faster than opening a full
 * window: for a room of 50, twice as fast.
 */
const FIRST_SIZE = 8;
/** Most posts that run at once in one environment. */
export const LARGEST_WINDOW = 64;

/**
 * Limits how many posts run at once in this environment, for all publishes together. Waiting callers
 * enter in the order of arrival.
 */
export class Window {
  readonly #pace: Pace;
  readonly #waiting = new Set<(isLetIn: boolean) => void>();
  #size = FIRST_SIZE;
  #underWay = 0;
  #alarm: NodeJS.Timeout | undefined;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /**
   * Waits until there is room. After `true`, the caller must call {@link leave}; `false` means that the
   * time is over.
   */
  enter(limit: TimeLimit): boolean | Promise<boolean> {
    const leftMs = timeLeftMs(limit);
    if (leftMs === 0) return false;
    if (this.#waiting.size === 0 && this.#underWay < this.#size && this.#pace.take() === 0) {
      this.#underWay += 1;
      return true;
    }
    return new Promise((resolve) => {
      const end = (isLetIn: boolean): void => {
        this.#waiting.delete(end);
        clearTimeout(timer);
        stopListening();
        resolve(isLetIn);
      };
      const timer = leftMs <= MAX_TIMER_MS ? setTimeout(end, leftMs, false) : undefined;
      this.#waiting.add(end);
      const stopListening = onAbort(limit.signal, () => end(false));
      this.#letIn();
    });
  }

  /** @param isAnswered - Whether the post was answered, so that its socket can be used again. */
  leave(isAnswered: boolean): void {
    this.#underWay -= 1;
    if (isAnswered && this.#size < LARGEST_WINDOW) this.#size += 1;
    this.#letIn();
  }

  #letIn(): void {
    if (this.#alarm) return;
    for (const end of this.#waiting) {
      if (this.#underWay >= this.#size) return;
      const waitMs = this.#pace.take();
      if (waitMs > 0) {
        this.#alarm = setTimeout(() => {
          this.#alarm = undefined;
          this.#letIn();
        }, waitMs);
        return;
      }
      this.#underWay += 1;
      end(true);
    }
  }
}
