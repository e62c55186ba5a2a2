import type { ConnectionStore } from '../store/connections.js';
import { connectionChecks } from './connection-store-connections.js';
import { expiryChecks } from './connection-store-expiry.js';
import { raceChecks } from './connection-store-races.js';
import { subscriberChecks } from './connection-store-subscribers.js';
import { subscriptionChecks } from './connection-store-subscriptions.js';
import { timeChecks } from './connection-store-time.js';
import type { Check } from './contract-fixtures.js';

/** One check of a contract, for any test runner. @group Stores */
export interface ContractTest {
  /** What the store must do, as the end of a sentence: `returns a connection unchanged`. */
  readonly name: string;
  /** Runs the check on a new store. Rejects with an `AssertionError` if the check fails. */
  readonly run: () => Promise<void>;
}

/** Options of {@link connectionStoreContract}. @group Stores */
export interface ContractOptions {
  /** Number of subscribers of a channel. @default 300 */
  readonly subscribers?: number;
  /** Seed of the random orders. @default 1 */
  readonly seed?: number;
}

/** A store to check. It is disposed after the check. @group Stores */
export interface StoreUnderTest extends AsyncDisposable {
  /** The part of the store to check. */
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
 * The checks that every {@link ConnectionStore} has to pass, as data. They call its methods.
 * `connectionStoreInterleavings` checks concurrent calls in every order of their steps.
 *
 * @example
 * ```ts
 * for (const check of connectionStoreContract(makeStore)) test(check.name, check.run);
 * ```
 *
 * @param make - Makes a store for one check. Stores may share a database, because each check uses its own
 * ids and channels.
 * @param options - Sizes and seed.
 * @group Stores
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
