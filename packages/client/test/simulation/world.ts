import type { Plan } from './plan.js';
import { Random } from './random.js';
import { VirtualTime } from './virtual-time.js';

/** What must never happen, by the name that is reported. */
export const kinds = [
  'an answer comes too late',
  'a promise outlives close()',
  'a wrong answer',
  'a reason that nobody gave',
  'a time-out before its time',
  'a wrong word on what was written',
  'a refusal that passes is final',
  'subscribed, but not on the server',
  'on the server, but not wanted',
  'messages out of order',
  'a message under two ids',
  'an attempt without its number',
  'two requests of a channel in flight',
  'a message overtakes its subscription',
  'a frame of no use',
  'a frame at a bad time',
  'an event twice',
  'an event out of order',
  'an event lost',
  'an event of no use',
  'an end that is not told',
  'a call after its end',
  'states out of order',
  'an impossible state',
  'something is left running',
  'a connection of a hidden page',
  'a silent connection is kept',
  'a wake-up without effect',
  'a message is left lying',
  'a farewell is not heeded',
  'a retry before its time',
  'an unhandled rejection',
  'an uncaught exception',
  'a storm',
  'pings without need',
  'failures in silence',
  'no way back',
] as const;
export type Kind = (typeof kinds)[number];

/** Something that must never happen, and did. */
export interface Violation<K extends string = Kind> {
  readonly kind: K;
  readonly text: string;
}

/** What a world needs of a plan: its seed, and how often each fault happens. */
export interface Lot {
  readonly seed: number;
  readonly rates: Readonly<Partial<Record<string, number>>>;
}

/** What an application of the simulation throws, so that it is not taken for a fault of the client. */
export class ApplicationError extends Error {}

/** What all parts of one run share. */
export class World<P extends Lot = Plan, K extends string = Kind> {
  readonly plan: P;
  readonly time = new VirtualTime();
  /** Chance on the way, but for that of faults and of the client. */
  readonly random: Random;
  /** Whether nothing goes wrong any more. */
  isCalm = false;
  violation: Violation<K> | undefined;
  readonly #trace: (readonly unknown[])[] = [];
  /** Each fault has chances of its own, so that a plan without one of them is not another life. */
  readonly #chances = new Map<string, Random>();

  constructor(plan: P) {
    this.plan = plan;
    this.random = new Random(`way ${plan.seed}`);
  }

  /** Whether that goes wrong now. */
  draw(fault: keyof P['rates'] & string): boolean {
    const { rates, seed }: Lot = this.plan;
    const rate = rates[fault];
    if (this.isCalm || rate === undefined) return false;
    const chances = this.#chances.get(fault) ?? new Random(`${fault} ${seed}`);
    this.#chances.set(fault, chances);
    return chances.chance(rate);
  }

  /** Says what happens. What follows from a violation does not matter. */
  note(...parts: readonly unknown[]): void {
    if (!this.violation) this.#trace.push([this.time.nowMs, ...parts]);
  }

  /** Only the first violation counts: others may follow from it. */
  fails(kind: K, text: string): void {
    if (process.env['FUZZ_IGNORE']?.includes(kind)) return;
    this.note('!!!', kind, text);
    this.violation ??= { kind, text };
  }

  /** What happened, line by line. */
  trace(): string {
    return this.#trace
      .map(([atMs, ...parts]) => {
        const seconds = ((atMs as number) / 1_000).toFixed(3).padStart(9);
        return `${seconds} ${parts.map(inWords).join(' ')}`;
      })
      .join('\n');
  }
}

function inWords(part: unknown): string {
  if (typeof part === 'string') return part;
  return part instanceof Error ? `${part.name}: ${part.message}` : JSON.stringify(part);
}
