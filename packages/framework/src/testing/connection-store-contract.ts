import type { ConnectionStore } from '../store/connections.js';
import { connectionChecks } from './connection-store-connections.js';
import { expiryChecks } from './connection-store-expiry.js';
import { raceChecks } from './connection-store-races.js';
import { subscriberChecks } from './connection-store-subscribers.js';
import { subscriptionChecks } from './connection-store-subscriptions.js';
import { timeChecks } from './connection-store-time.js';
import type { Check } from './contract-fixtures.js';

/** One check of a contract, tied to no test runner. */
export interface ContractTest {
  /** What the store must do, as the end of a sentence: `returns a connection as it was kept`. */
  readonly name: string;
  /** Runs the check on a store of its own; rejects with an `AssertionError` when it fails. */
  readonly run: () => Promise<void>;
}

/** How much of it a contract tries. */
export interface ContractOptions {
  /** How many subscribers a channel has at once. @default 300 */
  readonly subscribers?: number;
  /** What the random orders are drawn from; another number, other orders. @default 1 */
  readonly seed?: number;
}

/** A store to be checked, and how to be rid of it. */
export interface StoreUnderTest extends AsyncDisposable {
  /** The part of the store that is checked. */
  readonly connections: ConnectionStore;
}

const checks: readonly Check[] = [
  ...connectionChecks,
  ...subscriptionChecks,
  ...subscriberChecks,
  ...expiryChecks,
  ...timeChecks,
  ...raceChecks,
];

/**
 * The checks that every {@link ConnectionStore} has to pass, as data. They call its methods; what calls
 * do to each other in every order of their steps is checked by `connectionStoreInterleavings`.
 *
 * @example
 * ```ts
 * for (const check of connectionStoreContract(makeStore)) test(check.name, check.run);
 * ```
 *
 * @param make - Makes a store for one check. Stores may share their database: the checks use ids and
 * channels of their own.
 * @param options - How much is tried.
 */
export function connectionStoreContract(
  make: () => Promise<StoreUnderTest>,
  { subscribers = 300, seed = 1 }: ContractOptions = {},
): readonly ContractTest[] {
  return checks.map(({ name, run }) => ({
    name,
    async run() {
      await using store = await make();
      await run(store.connections, { subscribers, seed });
    },
  }));
}
