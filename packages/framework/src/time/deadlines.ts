import { Bag, type BagItem } from './bag.js';
import { MAX_TIMER_MS } from './time-limit.js';

/** Something that has to end at some time. */
export interface Deadline {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly onTime: () => void;
}

/**
 * Calls back when time is over: many deadlines with one timer, because a timer for each message would
 * cost as much as all the rest of its dispatch. Most deadlines are removed in time. The timer then runs
 * on, finds nothing to do, and is set for the next deadline.
 */
export class Deadlines {
  readonly #waiting = new Bag<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Infinity;

  /** @returns For {@link remove}. */
  add(deadline: Deadline): BagItem<Deadline> {
    if (deadline.at < this.#firesAt) this.#arm(deadline.at);
    else this.#timer?.ref();
    return this.#waiting.add(deadline);
  }

  remove(item: BagItem<Deadline>): void {
    this.#waiting.remove(item);
    // A timer that nobody waits for keeps no process alive.
    if (this.#waiting.isEmpty) this.#timer?.unref();
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
    for (const item of this.#waiting.items) {
      if (item.value.at > now) continue;
      // One that was called before it may have removed it.
      if (this.#waiting.remove(item)) item.value.onTime();
    }
    const next = Math.min(...this.#waiting.items.map(({ value }) => value.at));
    if (next < this.#firesAt) this.#arm(next);
  }
}
