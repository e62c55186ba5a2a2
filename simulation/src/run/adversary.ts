import { Random } from '../world/random.js';
import type { Plan } from './plan.js';
import { type FaultKind, near, type Weather } from './weather.js';

/** Everything that the adversary has done, by kind. */
export type FaultCounts = Partial<Record<FaultKind, number>>;

/**
 * Decides which faults happen. Each decision has a name and random numbers of its own, so that the others
 * stay the same if one of them, or an operation of the run, is left out.
 */
export class Adversary {
  readonly counts: FaultCounts = {};
  /** Names of the decisions for a fault, in order. */
  readonly done: string[] = [];
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #left: ReadonlySet<string>;
  readonly #forced: ReadonlyMap<string, number>;
  #isOver = false;

  constructor({ seed, weather, left, forced = {} }: Plan) {
    this.#random = new Random(seed).fork('adversary');
    this.#weather = weather;
    this.#left = new Set(left);
    this.#forced = new Map(Object.entries(forced));
  }

  /** From now on nothing happens any more. */
  rest(): void {
    this.#isOver = true;
  }

  /** The decisions about one thing, such as a call of an environment. */
  about(name: string): Decisions {
    const random = this.#random.fork(name);
    return {
      random,
      does: (kind) => {
        const decision = `${name}: ${kind}`;
        const probability = this.#weather.probabilities[kind];
        const isDrawn = probability !== undefined && random.chance(probability) && !this.#isOver;
        if (!this.#forced.has(decision) && (!isDrawn || this.#left.has(decision))) return false;
        this.done.push(decision);
        this.counts[kind] = (this.counts[kind] ?? 0) + 1;
        return true;
      },
      isForced: (what) => this.#forced.has(`${name}: ${what}`),
      freezeMs: () =>
        this.#forced.get(`${name}: freeze`) ?? near(random, random.pick(this.#weather.freezesMs)),
    };
  }
}

/** The decisions about one thing. */
export interface Decisions {
  readonly random: Random;
  /** Whether a fault happens. Ask for kinds always in the same order. */
  does(kind: FaultKind): boolean;
  freezeMs(): number;
  /** Whether something happens that only schedules written by hand ask for. */
  isForced(what: string): boolean;
}
