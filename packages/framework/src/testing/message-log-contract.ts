import { strict as assert } from 'node:assert';
import type { MessageLog } from '../store/log.js';
import { TestClock } from './clock.js';
import type { ContractTest } from './connection-store-contract.js';
import { appendChecks } from './message-log-append.js';
import { expiryChecks } from './message-log-expiry.js';
import type { LogCheck } from './message-log-fixtures.js';
import { pageChecks } from './message-log-pages.js';
import { purgeChecks } from './message-log-purge.js';
import { logRaceChecks } from './message-log-races.js';
import { randomChecks } from './message-log-random.js';
import { readChecks } from './message-log-reads.js';
import { logTimeChecks } from './message-log-time.js';

/** Options of {@link messageLogContract}. @group Stores */
export interface LogContractOptions {
  /** Number of entries of a long log. @default 2000 */
  readonly entries?: number;
  /** Number of concurrent writers. @default 50 */
  readonly writers?: number;
  /** Seed of the random calls. @default 1 */
  readonly seed?: number;
  /**
   * What ends the life of an entry. `now`: the clock that `make` is given; an hour after its retention, an entry
   * must not be returned any more. `engine`: the engine's own clock, which a check cannot advance, so no check asks
   * for an end.
   *
   * @default 'now'
   */
  readonly expiresBy?: 'now' | 'engine';
}

/** A store whose log is checked. It is disposed after the check. @group Stores */
export interface LogUnderTest extends AsyncDisposable {
  readonly log?: MessageLog;
}

const checks: readonly LogCheck[] = [
  ...appendChecks,
  ...readChecks,
  ...pageChecks,
  ...purgeChecks,
  ...expiryChecks,
  ...logTimeChecks,
  ...logRaceChecks,
  ...randomChecks,
];

/**
 * The checks that every {@link MessageLog} has to pass, as data. They call its methods, and compare every result
 * with a model.
 *
 * Checks advance the clock by up to 400 days. The engine may delete what has expired, or not.
 *
 * @example
 * ```ts
 * for (const check of messageLogContract(async ({ now }) => myStore({ now }))) test(check.name, check.run);
 * ```
 *
 * @param make - Makes a store for one check, with the clock of the check, in milliseconds since 1970. Stores may
 * share a database, because each check uses its own channels.
 * @param options - Sizes, seed, and what ends the life of an entry.
 * @group Stores
 */
export function messageLogContract(
  make: (options: { readonly now: () => number }) => Promise<LogUnderTest>,
  { entries = 2_000, writers = 50, seed = 1, expiresBy = 'now' }: LogContractOptions = {},
): readonly ContractTest[] {
  return checks.map(({ name, run }) => ({
    name,
    async run() {
      const clock = new TestClock();
      await using store = await make({ now: clock.now });
      const { log } = store;
      assert.ok(log, 'the store has no log');
      await run({ log, clock, entries, writers, seed, mustExpire: expiresBy === 'now' });
    },
  }));
}
