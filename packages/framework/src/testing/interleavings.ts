import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withinTime } from '../time/time-limit.js';
import { drawFrom } from './draw.js';

/**
 * Wraps one call of a store to its engine (its database), so that a test decides when the call runs,
 * whether its answer arrives, and whether its caller dies before that. Calls outside of such a test run
 * at once.
 *
 * @group Stores
 */
export type Step = <T>(call: () => Promise<T>) => Promise<T>;

/** A fault of an engine call. */
export type Fault = 'its answer is lost' | 'its caller dies before it' | 'its caller dies after it';

/** Chooses one of several possibilities: returns the index of its label. */
export type Choose = (labels: readonly string[]) => number;

/** Options of {@link explore}. */
export interface Exploration {
  /** Most runs in total. */
  readonly runs: number;
  /** Seed of the random orders, which come after the systematic ones. */
  readonly seed: number;
}

const REST_MS = 30_000;

/**
 * Runs something repeatedly with different choices: systematically, depth first, for half of the runs,
 * then at random. Ends early when all choices have been tried.
 */
export async function explore(
  { runs, seed }: Exploration,
  run: (choose: Choose) => Promise<void>,
): Promise<void> {
  const path: { index: number; of: number }[] = [];
  for (let made = 0; made < Math.ceil(runs / 2); made += 1) {
    let depth = 0;
    await traced(run, (labels) => {
      const step = (path[depth] ??= { index: 0, of: labels.length });
      depth += 1;
      step.of = labels.length;
      return Math.min(step.index, labels.length - 1);
    });
    path.length = depth;
    while (path.length > 0 && isLast(path.at(-1))) path.pop();
    const step = path.at(-1);
    if (!step) return;
    step.index += 1;
  }
  const draw = drawFrom(seed);
  for (let made = 0; made < Math.floor(runs / 2); made += 1) {
    await traced(run, (labels) => draw(labels.length));
  }
}

function isLast(step: { readonly index: number; readonly of: number } | undefined): boolean {
  return step !== undefined && step.index + 1 >= step.of;
}

/** Adds the choices of a run to its error. */
async function traced(
  run: (choose: Choose) => Promise<void>,
  choose: (labels: readonly string[]) => number,
): Promise<void> {
  const chosen: string[] = [];
  try {
    await run((labels) => {
      const index = choose(labels);
      chosen.push(labels[index] ?? '');
      return index;
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${reason}\nThe choices were:\n${chosen.map((one) => `- ${one}`).join('\n')}`, {
      cause,
    });
  }
}

/** Holds the calls of callers to an engine until each is released. */
export class EngineGate {
  readonly #current = new AsyncLocalStorage<Caller>();

  /** The store passes each call of its engine through this function. */
  readonly step: Step = async (call) => {
    const caller = this.#current.getStore();
    return caller ? caller.pass(call) : call();
  };

  /** Starts some work. Its engine calls wait until they are released. */
  start(name: string, work: () => Promise<unknown>): Caller {
    const caller = new Caller(name);
    this.#current.run(caller, () => caller.work(work));
    return caller;
  }
}

type Open = (fault: Fault | undefined) => void;

/** A piece of work. Each of its engine calls waits until it is released. */
export class Caller {
  readonly name: string;
  /** Its outcome, once it has ended. */
  outcome: PromiseSettledResult<unknown> | undefined;
  isDead = false;
  /** Whether an answer was lost, so that a step may have been repeated. */
  isRepeating = false;
  #calls = 0;
  readonly #waiting: { readonly label: string; readonly open: Open }[] = [];
  #notify: () => void = () => {};
  #answered: () => void = () => {};

  constructor(name: string) {
    this.name = name;
  }

  /** Labels of the calls that wait to be released. */
  get waiting(): readonly string[] {
    return this.#waiting.map(({ label }) => label);
  }

  /** @internal */
  work(work: () => Promise<unknown>): void {
    void Promise.allSettled([work()]).then(([outcome]) => {
      this.outcome = outcome;
      this.#notify();
    });
  }

  /** @internal */
  async pass<T>(call: () => Promise<T>): Promise<T> {
    if (this.isDead) return forever();
    this.#calls += 1;
    const label = `${this.name}, call ${this.#calls}`;
    const fault = await new Promise<Fault | undefined>((open) => {
      this.#waiting.push({ label, open });
      this.#notify();
    });
    if (fault === 'its caller dies before it') return this.#die();
    const [answer] = await Promise.allSettled([call()]);
    if (fault === 'its caller dies after it') return this.#die();
    this.#answered();
    if (fault) {
      this.isRepeating = true;
      throw lostAnswer();
    }
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  }

  /** Releases one of the calls, and waits until the caller makes another call or ends. */
  async release(index: number, fault?: Fault): Promise<void> {
    const [call] = this.#waiting.splice(index, 1);
    await new Promise<void>((resolve) => {
      this.#answered = resolve;
      call?.open(fault);
    });
    await this.rest();
  }

  /** Waits until the caller has ended, or has calls that wait to be released. */
  async rest(): Promise<void> {
    // If it makes several calls at once, the others follow in this turn.
    await nextTurn();
    const limit = { endsAt: Date.now() + REST_MS };
    while (!this.isDead && !this.outcome && this.#waiting.length === 0) {
      const notified = new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
      const error = () => new Error(`${this.name} neither called the engine again nor ended`);
      await withinTime(notified, limit, error);
    }
  }

  #die(): Promise<never> {
    this.isDead = true;
    this.#waiting.length = 0;
    this.#answered();
    return forever();
  }
}

/** The error that a store gets if the connection to its engine breaks before the answer. */
function lostAnswer(): Error {
  return Object.assign(new Error('read ECONNRESET'), {
    name: 'TimeoutError',
    code: 'ECONNRESET',
    errno: -104,
    syscall: 'read',
  });
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
