import { Environment } from './environment.js';
import { EventQueue } from './event-queue.js';
import type { Random } from './random.js';
import { realSetImmediate } from './real.js';

/** An event of the world. */
interface WorldEvent {
  readonly time: number;
  readonly tie: number;
  /** Where it runs; `undefined` for what belongs to no environment, such as the database. */
  readonly owner: Environment | undefined;
  /** Of the database, it may wait for a real one. */
  readonly work: () => void | Promise<void>;
  isCancelled: boolean;
}

/** A handle to an event that has not happened yet. */
export type Pending = Pick<WorldEvent, 'isCancelled'>;

/** When every world begins: 1 January 2026. */
export const WORLD_BEGINS_AT = 1_767_225_600_000;
/** More events than any sound run has. */
const MOST_EVENTS = 60_000;

/**
 * A world with a clock of its own. Events happen one at a time, in the order of their times; between events
 * of the same time the seed decides. After an event has run code of an environment, everything that this
 * code can do without waiting has been done before the next event begins.
 */
export class World {
  /** The true time, in milliseconds since 1970. No environment's clock shows exactly this. */
  now: number = WORLD_BEGINS_AT;
  /** Whose code is running. */
  current: Environment | undefined;
  readonly random: Random;
  readonly #ties: Random;
  readonly #queue = new EventQueue<WorldEvent>();
  #events = 0;

  constructor(random: Random) {
    this.random = random;
    this.#ties = random.fork('ties');
  }

  /** Makes an environment: a process whose clock differs from the true time by `skewMs`. */
  environment(name: string, skewMs: number): Environment {
    return new Environment(name, { skewMs, random: this.random.fork(name) });
  }

  /** The time that the running code sees. */
  get clock(): number {
    return this.now + (this.current?.skewMs ?? 0);
  }

  /** Lets something happen later. With an owner it waits while the owner is frozen, and never happens if it is dead. */
  after(delayMs: number, work: WorldEvent['work'], owner?: Environment): Pending {
    const time = this.now + Math.max(0, Math.ceil(delayMs));
    const event = { time, tie: this.#ties.next(), owner, work, isCancelled: false };
    this.#queue.push(event);
    return event;
  }

  /** Stops an environment: nothing in it goes on until `untilMs` from now, or until it is thawed. */
  freeze(environment: Environment, forMs: number): void {
    const freeze = environment.freeze();
    if (forMs === Infinity) return;
    this.after(forMs, () => {
      if (environment.isFrozenBy(freeze)) this.thaw(environment);
    });
  }

  thaw(environment: Environment): void {
    for (const { work } of environment.thaw()) this.after(0, work, environment);
  }

  /** Runs some code in an environment now, and everything that it can do without waiting. */
  async enter(environment: Environment | undefined, work: WorldEvent['work']): Promise<void> {
    this.current = environment;
    void work();
    await settled();
    this.current = undefined;
  }

  /** Lets events happen until none is left. */
  async run(): Promise<void> {
    for (let event = this.#queue.pop(); event; event = this.#queue.pop()) {
      const { owner, work } = event;
      this.now = event.time;
      if (event.isCancelled || owner?.isDead) continue;
      if (owner?.isFrozen) {
        owner.park(event);
        continue;
      }
      this.#events += 1;
      if (this.#events > MOST_EVENTS)
        throw new Error(`The run did not end: ${MOST_EVENTS} events.`);
      // The database and the network do everything at once.
      if (owner) await this.enter(owner, work);
      else await work();
    }
  }
}

/** Waits until all microtasks have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}
