import type { ContractTest, StoreUnderTest } from './connection-store-contract.js';
import { scenarios } from './connection-store-scenarios.js';
import { Trial } from './connection-store-trial.js';
import { exploreTrial, parts } from './interleaving-trials.js';
import { EngineGate, type Step } from './interleavings.js';

/** Options of {@link connectionStoreInterleavings}. @group Stores */
export interface InterleavingOptions {
  /**
   * Most runs of a test. Half of them try the orders systematically, depth first. If there are more
   * orders, the other half is random. A fault is tried at every call of the engine at least twice.
   *
   * @default 100
   */
  readonly runs?: number;
  /** Seed of the random orders. @default 1 */
  readonly seed?: number;
}

/**
 * Checks of concurrent calls for one connection, as data. Two or three calls run in every order of their
 * steps, which are their calls of the engine (the database). They also run with a lost answer at each
 * step, and with a caller that dies before and after each step.
 *
 * Afterwards, the results and the state must be possible for the same calls in some sequential order, in
 * which other calls may come between two channels of a call. Anything that a dead caller left behind must
 * disappear with the next removal of the connection, or, if another call removed something meanwhile,
 * after the same call was repeated. Only one thing may remain until it expires: a membership of an older
 * channel that a `connect` was writing again when its caller died.
 *
 * @example
 * ```ts
 * const make = async (step: Step) => myStore({ send: (command) => step(() => engine.send(command)) });
 * for (const check of connectionStoreInterleavings(make)) test(check.name, check.run);
 * ```
 *
 * @param make - Makes a store that passes each call of its engine, including retries, through `step`. If
 * an answer is lost, the call rejects with an error whose `code` is `ECONNRESET` and whose `name` is
 * `TimeoutError`: the store must retry or throw a `StoreError` that is `retryable`. Calls wait for each
 * other in `step`, so use long time-outs for single calls and short waits between attempts.
 * @param options - Number of runs and seed.
 * @group Stores
 */
export function connectionStoreInterleavings(
  make: (step: Step) => Promise<StoreUnderTest>,
  { runs = 100, seed = 1 }: InterleavingOptions = {},
): readonly ContractTest[] {
  return scenarios.flatMap((scenario) =>
    parts.map(({ title, faults }) => ({
      name: `${scenario.name}, ${title}`,
      async run() {
        const gate = new EngineGate();
        await using store = await make(gate.step);
        const trial = new Trial({ store: store.connections, gate, scenario });
        await exploreTrial(trial, faults, { runs, seed });
      },
    })),
  );
}
