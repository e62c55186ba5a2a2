import type { ContractTest, StoreUnderTest } from './connection-store-contract.js';
import { scenarios } from './connection-store-scenarios.js';
import { Trial } from './connection-store-trial.js';
import { EngineGate, explore, type Fault, type Step } from './interleavings.js';

/** How many orders of calls are tried. */
export interface InterleavingOptions {
  /**
   * Most runs of a test. Half of them are systematic, depth first; where these do not suffice, the other
   * half is drawn at random. A fault is tried at every call of the engine at least twice.
   *
   * @default 100
   */
  readonly runs?: number;
  /** What the random orders are drawn from; another number, other orders. @default 1 */
  readonly seed?: number;
}

const parts: readonly { readonly title: string; readonly faults: readonly Fault[] }[] = [
  { title: 'in every order of their steps', faults: [] },
  { title: 'when an answer is lost', faults: ['its answer is lost'] },
  {
    title: 'when a caller dies',
    faults: ['its caller dies before it', 'its caller dies after it'],
  },
];

/**
 * The checks of what calls for one connection do to each other, as data. Two or three calls run in every
 * order of the steps they take in the engine; with an answer that is lost, at each of these steps; and
 * with a caller that stops for good, before each and after each.
 *
 * Afterwards the results and the state must be those of the same calls made one after the other, in one
 * order or another, in which others may come between two channels of a call. What a caller left behind
 * that stopped must go when the connection is removed next; where another call took something away
 * meanwhile, once the same call was made again. One thing may stay until it expires: a membership of an
 * older channel that a dying `connect` wrote anew just then.
 *
 * @example
 * ```ts
 * const make = async (step: Step) => myStore({ send: (command) => step(() => engine.send(command)) });
 * for (const check of connectionStoreInterleavings(make)) test(check.name, check.run);
 * ```
 *
 * @param make - Makes a store that passes each call of its engine, and each of their repeats, through
 * `step`. A call whose answer is lost rejects with an error whose `code` is `ECONNRESET` and whose
 * `name` is `TimeoutError`: the store tries again, or throws a `StoreError` that is `retryable`. Calls
 * wait in `step` for each other, so let the time-outs of single calls be long, and the waits between
 * attempts short.
 * @param options - How much is tried.
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
        await (faults.length === 0
          ? explore({ runs, seed }, (choose) => trial.run(choose))
          : exploreFaults(trial, faults, { runs, seed }));
      },
    })),
  );
}

/** Tries each fault at each call of the engine, with several orders of calls. */
async function exploreFaults(
  trial: Trial,
  faults: readonly Fault[],
  { runs, seed }: Required<InterleavingOptions>,
): Promise<void> {
  // A run without a fault tells how many calls there are.
  await explore({ runs: 1, seed }, (choose) => trial.run(choose));
  const calls = trial.longest;
  const each = Math.max(2, Math.ceil(runs / (calls * faults.length)));
  for (const kind of faults) {
    for (let at = 0; at < calls; at += 1) {
      await explore({ runs: each, seed: seed + at }, (choose) => trial.run(choose, { kind, at }));
    }
  }
}
