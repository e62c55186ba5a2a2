/** Longest delay that a timer takes: with more it fires at once, as in Node and in browsers. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const { setImmediate } = globalThis;

/** Lets all microtasks run, and the process tell what they have left unhandled. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

interface Entry {
  readonly dueMs: number;
  readonly call: () => void;
  /** Set for timers of the client. */
  readonly timer?: VirtualTimer;
}

/** What `setTimeout` returns. */
class VirtualTimer {
  /** Whether it keeps a process alive. */
  holds = true;

  unref(): this {
    this.holds = false;
    return this;
  }

  ref(): this {
    this.holds = true;
    return this;
  }

  hasRef(): boolean {
    return this.holds;
  }
}

/** What is told as time passes. */
export interface TimeListener {
  /** A callback threw, which ends a process. */
  readonly onThrown: (error: unknown) => void;
  /** Something happened, and all microtasks after it have run. `false` ends the run. */
  readonly onStep: () => boolean;
}

/** A clock that goes on as fast as its timers can be called, one at a time. Microtasks are real. */
export class VirtualTime {
  nowMs = 0;
  /** Counts what happened. */
  step = 0;
  #sleptMs = 0;
  /** By time, and first come, first served. */
  readonly #entries: Entry[] = [];

  /** Time without that in which the machine slept. */
  get awakeMs(): number {
    return this.nowMs - this.#sleptMs;
  }

  /** Calls back later; for everything but the client. */
  after(delayMs: number, call: () => void): void {
    this.#add({ dueMs: this.nowMs + delayMs, call });
  }

  /** Timers of the client that have not fired: all, and those that keep a process alive. */
  timers(): { readonly all: number; readonly holding: number } {
    const timers = this.#entries.flatMap(({ timer }) => timer ?? []);
    return { all: timers.length, holding: timers.filter(({ holds }) => holds).length };
  }

  /** The page of the client is gone, and its timers with it. */
  forgetTimers(): void {
    const rest = this.#entries.filter(({ timer }) => !timer);
    this.#entries.splice(0, this.#entries.length, ...rest);
  }

  /** The machine sleeps: whatever is due meanwhile happens when it wakes. */
  sleep(forMs: number): void {
    this.nowMs += forMs;
    this.#sleptMs += forMs;
  }

  /** Lets happen what is due, until so much time has passed; sleep does not count. */
  async run(forMs: number, { onThrown, onStep }: TimeListener): Promise<void> {
    const endMs = this.awakeMs + forMs;
    for (;;) {
      const [entry] = this.#entries;
      if (!entry || entry.dueMs - this.#sleptMs > endMs) break;
      this.#entries.shift();
      this.nowMs = Math.max(this.nowMs, entry.dueMs);
      this.step += 1;
      try {
        entry.call();
      } catch (error) {
        onThrown(error);
      }
      await turn();
      if (!onStep()) return;
    }
    this.nowMs += Math.max(endMs - this.awakeMs, 0);
  }

  /** Stands in for the globals that have to do with time. */
  globals(): Record<string, unknown> {
    const clear = (timer: unknown): void => {
      const index = this.#entries.findIndex((entry) => entry.timer && entry.timer === timer);
      if (index >= 0) this.#entries.splice(index, 1);
    };
    return {
      setTimeout: this.#setTimer,
      clearTimeout: clear,
      setInterval: (call: () => void, delayMs: number) => {
        const timer = new VirtualTimer();
        const again = (): void => {
          this.#setTimer(again, delayMs, timer);
          call();
        };
        return this.#setTimer(again, delayMs, timer);
      },
      clearInterval: clear,
      performance: { now: () => this.nowMs },
    };
  }

  readonly #setTimer = (call: () => void, delayMs: unknown, timer = new VirtualTimer()) => {
    const given = Number(delayMs);
    const waitMs = given >= 1 && given <= MAX_DELAY_MS ? given : 1;
    this.#add({ dueMs: this.nowMs + waitMs, call, timer });
    return timer;
  };

  #add(entry: Entry): void {
    let index = this.#entries.length;
    while (index > 0 && (this.#entries[index - 1] as Entry).dueMs > entry.dueMs) index -= 1;
    this.#entries.splice(index, 0, entry);
  }
}
