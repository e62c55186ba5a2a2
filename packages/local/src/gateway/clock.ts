import { checkOptions, option } from '@gatecast/framework/adapter';

/** A year. Much longer ones would lead to times that a Date cannot express. */
export const LONGEST_ADVANCE_MS: number = 365 * 86_400_000;

const advanceTypes = { byMs: option.milliseconds(0, LONGEST_ADVANCE_MS) };

/** Resolves after `delayMs` milliseconds on the clock. */
export function elapsed(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

interface Alarm {
  readonly dueAt: number;
  readonly ring: () => void;
  timer?: NodeJS.Timeout;
}

/**
 * The gateway's clock: the time of the machine, which can be moved forward.
 *
 * @group Time and faults
 */
export class Clock {
  readonly #read: () => number;
  readonly #alarms = new Set<Alarm>();
  #aheadMs = 0;

  constructor(read: () => number = Date.now) {
    this.#read = read;
  }

  /** In milliseconds since the epoch. */
  readonly now = (): number => this.#read() + this.#aheadMs;

  /** How far it is ahead of the machine's time, in milliseconds. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /**
   * Calls back once after `delayMs` milliseconds, unless the returned function is called before. Does not
   * keep the process alive.
   */
  after(delayMs: number, ring: () => void): () => void {
    const alarm: Alarm = { dueAt: this.now() + delayMs, ring };
    this.#alarms.add(alarm);
    this.#arm(alarm);
    return () => this.#disarm(alarm);
  }

  /**
   * Moves the time forward, by up to a year. Callbacks that are due run at once, in the order of their
   * times.
   *
   * @throws ConfigurationError - ERR_OPTION_VALUE, if `byMs` is not such a number of milliseconds.
   */
  advance(byMs: number): void {
    // NaN, because an option that is undefined counts as absent.
    checkOptions('clock.advance()', { byMs: byMs ?? Number.NaN }, advanceTypes);
    this.#aheadMs += byMs;
    const alarms = [...this.#alarms].toSorted((a, b) => a.dueAt - b.dueAt);
    for (const alarm of alarms) {
      if (!this.#alarms.has(alarm)) continue;
      if (alarm.dueAt > this.now()) this.#arm(alarm);
      else this.#ring(alarm);
    }
  }

  #arm(alarm: Alarm): void {
    clearTimeout(alarm.timer);
    alarm.timer = setTimeout(() => this.#ring(alarm), alarm.dueAt - this.now()).unref();
  }

  #ring(alarm: Alarm): void {
    this.#disarm(alarm);
    alarm.ring();
  }

  #disarm(alarm: Alarm): void {
    clearTimeout(alarm.timer);
    this.#alarms.delete(alarm);
  }
}
