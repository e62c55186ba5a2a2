import { MAX_TIMER_MS } from './time-limit.js';

/** A time at which something must end. */
export interface Deadline {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly onTime: () => void;
}

/**
 * Calls back when deadlines pass. All of them share one timer, because a timer for each message would
 * cost as much as the rest of its dispatch. Most deadlines are removed before they pass. The timer keeps
 * running, finds nothing to do, and is set for the next deadline.
 */
export class Deadlines {
  readonly #waiting = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Infinity;

  add(deadline: Deadline): void {
    this.#waiting.add(deadline);
    if (deadline.at < this.#firesAt) this.#arm(deadline.at);
    else this.#timer?.ref();
  }

  remove(deadline: Deadline): void {
    this.#waiting.delete(deadline);
    // Without deadlines, the timer must not keep the process alive.
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = at;
    const leftMs = Math.min(MAX_TIMER_MS, Math.max(0, at - Date.now()));
    this.#timer = setTimeout(() => this.#fire(), leftMs);
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesAt = Infinity;
    const now = Date.now();
    for (const deadline of this.#waiting) {
      if (deadline.at > now) continue;
      this.#waiting.delete(deadline);
      deadline.onTime();
    }
    let next = Infinity;
    for (const { at } of this.#waiting) next = Math.min(next, at);
    if (next < this.#firesAt) this.#arm(next);
  }
}
