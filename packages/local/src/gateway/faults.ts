import type { PostFault } from '@gatecast/framework/testing';
import { faultProblem } from './fault-problem.js';

/** Which connections a fault affects, and how often. */
interface FaultScope {
  /** @default every connection */
  readonly connectionId?: string | undefined;
  /** How often it happens. @default without limit */
  readonly times?: number | undefined;
  /** Its probability, above 0 and up to 1, drawn from the seed of the gateway. @default 1 */
  readonly probability?: number | undefined;
}

/** A fault to simulate. @group Time and faults */
export type Fault = FaultScope &
  (
    | {
        /** A post to `@connections` with a valid signature and an open connection. */
        readonly on: 'post';
        readonly kind: PostFault;
      }
    | {
        /**
         * Delays a post, the `$disconnect` event, or an invocation for a message.
         */
        readonly on: 'post' | '$disconnect' | 'invocation';
        readonly kind: 'delayed';
        /** Delay on the gateway's clock, in whole milliseconds, up to a day. */
        readonly delayMs: number;
      }
    | {
        /** Loses the `$disconnect` event, which AWS only sends with best effort (row 1.30). */
        readonly on: '$disconnect';
        readonly kind: 'lost';
      }
    | {
        /** Kills the execution environment, with everything in its memory. */
        readonly on: 'invocation';
        readonly kind: 'killed';
        /** Only invocations of this route. @default every message route */
        readonly routeKey?: string | undefined;
        /**
         * Time after the start of the invocation, in whole milliseconds of real time, up to a day.
         *
         * @default 0
         */
        readonly delayMs?: number | undefined;
      }
  );

type On = Fault['on'];

/** The faults of one place. */
export type FaultOn<O extends On> = Fault & { readonly on: O };

interface Armed {
  readonly fault: Fault;
  left: number;
}

/**
 * The faults of a gateway. The same seed and the same order of events lead to the same faults.
 *
 * @group Time and faults
 */
export class Faults {
  readonly #armed = new Set<Armed>();
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  /** The faults that are not used up, in the order in which they happen. */
  get list(): readonly Fault[] {
    return [...this.#armed].map(({ fault }) => fault);
  }

  /**
   * Adds a fault after the existing ones. If several fit, the first one happens.
   *
   * @returns a function that removes the fault.
   * @throws TypeError - if the fault cannot happen, with the allowed values.
   */
  add(fault: Fault): () => void {
    const problem = faultProblem(fault);
    if (problem !== undefined) throw new TypeError(problem);
    const armed = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#armed.add(armed);
    return () => void this.#armed.delete(armed);
  }

  /** Removes all faults. */
  clear(): void {
    this.#armed.clear();
  }

  /** The fault that happens here, if any. It counts as one occurrence. @internal */
  strike<O extends On>(
    on: O,
    { connectionId, routeKey }: { readonly connectionId: string; readonly routeKey?: string },
  ): FaultOn<O> | undefined {
    for (const armed of this.#armed) {
      const { fault } = armed;
      const fits =
        fault.on === on &&
        (fault.connectionId === undefined || fault.connectionId === connectionId) &&
        (!('routeKey' in fault) || fault.routeKey === undefined || fault.routeKey === routeKey);
      if (!fits || this.#random() >= (fault.probability ?? 1)) continue;
      armed.left -= 1;
      if (armed.left <= 0) this.#armed.delete(armed);
      return fault as FaultOn<O>;
    }
    return undefined;
  }
}

/** Random numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
