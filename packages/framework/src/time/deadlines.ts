import { Bag, type BagItem } from './bag.js';
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
  readonly #waiting = new Bag<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Infinity;

  /** @returns The item to pass to {@link remove}. */
  add(deadline: Deadline): BagItem<Deadline> {
    if (deadline.at < this.#firesAt) this.#arm(deadline.at);
    else this.#timer?.ref();
    return this.#waiting.add(deadline);
  }

  remove(item: BagItem<Deadline>): void {
    this.#waiting.remove(item);
    // Without deadlines, the timer must not keep the process alive.
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
      // An earlier callback may have removed it.
      if (this.#waiting.remove(item)) item.value.onTime();
    }
    const next = Math.min(...this.#waiting.items.map(({ value }) => value.at));
    if (next < this.#firesAt) this.#arm(next);
  }
}
