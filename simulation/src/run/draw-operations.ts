import type { Random } from '../world/random.js';
import type { Operation, Plan, PublishOperation } from './plan.js';
import { criticalTimesMs, near } from './weather.js';

/** Longer pauses are spent offline; in some runs connections last until they are replaced. */
const LONGEST_STAYS_MS = { usual: 900_000, long: 10_800_000 } as const;

/** How much happens in a run, and how quickly. */
interface Shape {
  readonly messages: number;
  readonly bursts: number;
  /** How long a burst takes. */
  readonly lengthsMs: readonly number[];
}

/** Many messages within seconds: more than an append may be behind its claim. */
const CROWD: Shape = { messages: 130, bursts: 1, lengthsMs: [3_000, 15_000] };

function shapeOf(random: Random, isApp: boolean): Shape {
  return {
    messages: random.pick(isApp ? [5, 10, 30] : [5, 15, 30, 60]),
    bursts: random.between(1, 4),
    lengthsMs: [50, 1_000, 10_000, 60_000, 600_000],
  };
}

interface OperationsRequest extends Pick<Plan, 'level' | 'store' | 'retentionSeconds' | 'clients'> {
  readonly isCrowd: boolean;
}

/** Draws what happens in a run: bursts of messages with longer or shorter times between them. */
export class OperationsDraw {
  readonly #random: Random;
  readonly #isApp: boolean;
  readonly #shape: Shape;
  readonly #clients: number;
  readonly #times: readonly number[];
  readonly #operations: Operation[] = [];
  readonly #messages: PublishOperation[] = [];
  readonly #failOverChance: number;
  readonly #purgeChance: number;
  readonly #againChance: number;
  /** Largest content of a message, in characters. */
  readonly #largest: number;
  readonly #longestStayMs: number;

  constructor(random: Random, of: OperationsRequest) {
    this.#random = random;
    this.#isApp = of.level === 'app';
    this.#shape = of.isCrowd ? CROWD : shapeOf(random, this.#isApp);
    this.#clients = of.clients;
    this.#times = criticalTimesMs(of.retentionSeconds);
    this.#failOverChance = of.store === 'redis' && random.chance(0.4) ? 0.05 : 0;
    this.#purgeChance = random.chance(0.25) ? random.pick([0.02, 0.1]) : 0;
    this.#largest = random.pick([100, 1_500, 30_000]);
    const isLong = random.fork('stays').chance(0.2);
    this.#longestStayMs = LONGEST_STAYS_MS[isLong ? 'long' : 'usual'];
    this.#againChance = of.isCrowd ? 0.5 : random.pick([0, 0.1, 0.4]);
  }

  draw(): readonly Operation[] {
    const random = this.#random;
    const { messages, bursts } = this.#shape;
    let atMs = 0;
    for (let burst = 0; burst < bursts; burst += 1) {
      const lengthMs = random.pick(this.#shape.lengthsMs);
      const size = Math.ceil((random.next() + 0.5) * (messages / bursts));
      for (let count = 0; count < size; count += 1) {
        this.#one(atMs + random.below(lengthMs));
      }
      const pauseMs = Math.max(0, near(random, random.pick(this.#times)));
      if (pauseMs > this.#longestStayMs) this.#everybodyLeaves(atMs + lengthMs, pauseMs);
      atMs += lengthMs + pauseMs;
      this.#operations.push({ does: 'check', atMs: atMs - 1 });
    }
    return this.#operations.sort((one, other) => one.atMs - other.atMs);
  }

  /** Nobody stays connected for days, only to say that he is still there. */
  #everybodyLeaves(atMs: number, forMs: number): void {
    for (let client = 0; client < this.#clients; client += 1) {
      const lateMs = this.#random.below(60_000);
      this.#operations.push({ does: 'leave', atMs: atMs + lateMs, client, forMs: forMs - lateMs });
    }
  }

  #one(atMs: number): void {
    const random = this.#random;
    this.#publish(atMs);
    if (random.chance(0.3)) {
      this.#operations.push({
        does: 'read',
        atMs: atMs + random.below(3_000),
        client: random.below(this.#clients),
        keep: random.chance(0.3),
        limit: random.pick([1, 3, 100, 1_000]),
        maxBytes: random.pick([1, 300, 30_000, 1_000_000]),
      });
    }
    if (random.chance(0.05)) {
      const limit = random.pick([1, 5, 100]);
      this.#operations.push({ does: 'history', atMs, pages: random.between(1, 3), limit });
    }
    if (random.chance(0.03)) this.#operations.push({ does: 'head', atMs });
    if (this.#isApp && random.chance(0.1)) {
      const forMs = random.pick([100, 5_000, 60_000]);
      this.#operations.push({ does: 'leave', atMs, client: random.below(this.#clients), forMs });
    }
    if (random.chance(this.#failOverChance)) {
      const forgetsMs = random.pick([1, 10, 500, 5_000]);
      this.#operations.push({ does: 'fail-over', atMs: atMs + forgetsMs, forgetsMs });
    }
    if (random.chance(this.#purgeChance)) this.#operations.push({ does: 'purge', atMs });
  }

  #publish(atMs: number): void {
    const random = this.#random;
    const earlier = random.chance(0.12) && this.#messages.length > 0;
    const known = earlier ? random.pick(this.#messages) : undefined;
    const id = known?.id ?? `m${this.#messages.length + 1}`;
    const isOther = known !== undefined && random.chance(0.3);
    const message: PublishOperation = {
      does: 'publish',
      atMs,
      client: random.below(this.#clients),
      id,
      content: isOther || !known ? this.#content(id) : known.content,
      onOtherHash: random.pick(['keep-first', 'refuse']),
      againMs: this.#again(),
    };
    if (!known) this.#messages.push(message);
    this.#operations.push(message);
  }

  #again(): readonly number[] {
    const random = this.#random;
    if (!random.chance(this.#againChance)) return [];
    const delay = (): number =>
      random.chance(0.6)
        ? random.below(random.pick([20, 200, 5_000]))
        : Math.max(0, near(random, random.pick(this.#times)));
    return Array.from({ length: random.between(1, 3) }, delay);
  }

  #content(id: string): string {
    const random = this.#random;
    const size = random.chance(0.1) ? random.below(this.#largest) : random.below(20);
    return `${id} ${random.below(1_000)} ${'x'.repeat(size)}`;
  }
}
