import type { PostFault } from '@gatecast/framework/testing';

/** Whom and how often a fault strikes. */
interface FaultScope {
  /** @default every connection */
  readonly connectionId?: string | undefined;
  /** How often it strikes before it is spent. @default without end */
  readonly times?: number | undefined;
  /** How likely it strikes, from 0 to 1, by the seed of the gateway. @default 1 */
  readonly probability?: number | undefined;
}

/** Something that is to go wrong. */
export type Fault = FaultScope &
  (
    | {
        /** A post to `@connections`, whose signature is good and whose connection is open. */
        readonly on: 'post';
        readonly kind: PostFault;
      }
    | {
        /**
         * A post, the `$disconnect` event, or an invocation that a message starts: it waits before
         * anything happens.
         */
        readonly on: 'post' | '$disconnect' | 'invocation';
        readonly kind: 'delayed';
        /** On the gateway's clock. */
        readonly delayMs: number;
      }
    | {
        /** `$disconnect` is best effort: this one never comes (row 1.30). */
        readonly on: '$disconnect';
        readonly kind: 'lost';
      }
    | {
        /** The execution environment is killed, with what it has in memory. */
        readonly on: 'invocation';
        readonly kind: 'killed';
        /** Only invocations of this route. @default every message route */
        readonly routeKey?: string | undefined;
        /** How long after the invocation began, in milliseconds of real time. @default 0 */
        readonly delayMs?: number | undefined;
      }
  );

type On = Fault['on'];

/** The faults that strike there. */
export type FaultOn<O extends On> = Fault & { readonly on: O };

interface Armed {
  readonly fault: Fault;
  left: number;
}

/** The faults of a gateway. The same seed and the same order of events bring the same faults. */
export class Faults {
  readonly #armed = new Set<Armed>();
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  /** Those that are not spent, in the order in which they strike. */
  get list(): readonly Fault[] {
    return [...this.#armed].map(({ fault }) => fault);
  }

  /**
   * Adds a fault behind those there are: of several that fit, the first one strikes.
   *
   * @returns a function that takes it away.
   */
  add(fault: Fault): () => void {
    const armed = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#armed.add(armed);
    return () => void this.#armed.delete(armed);
  }

  /** Takes every fault away. */
  clear(): void {
    this.#armed.clear();
  }

  /** The fault that strikes here, if one does; a strike is counted. @internal */
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

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
