import { strict as assert } from 'node:assert';
import type { ConnectionStore } from '../store/connections.js';
import { concurrencyChecks } from './connection-store-concurrency.js';
import {
  type Check,
  everySubscriber,
  idsOf,
  inSliceOrder,
  LIFETIME_MS,
  record,
  subscribe,
  uniqueChannel,
  unsubscribe,
} from './contract-fixtures.js';

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

const checks: Readonly<Record<string, Check>> = {
  'speaks version 2 of the contract': async (store) => {
    assert.equal(store.contract, 2);
  },

  'returns a connection as it was kept': async (store) => {
    const kept = record({ userId: 'ann', identityExpiresAt: 4e12, identity: '{"userId":"ann"}' });
    await store.connect(kept, []);
    assert.deepEqual(await store.get(kept.connectionId), kept);
    assert.equal(await store.get('unknown='), undefined);
  },

  'subscribes a new connection to channels at once': async (store) => {
    const [a, b, connection] = [uniqueChannel(), uniqueChannel(), record()];
    await store.connect(connection, [a, b]);
    assert.deepEqual([...(await store.channels(connection.connectionId))].sort(), [a, b].sort());
    assert.equal((await store.subscribers(a)).items[0]?.connectionId, connection.connectionId);
  },

  'tells what delivery needs of a subscriber': async (store) => {
    const [channel, guest] = [uniqueChannel(), record()];
    const user = record({ userId: 'ann', identityExpiresAt: 4e12, identity: '{"userId":"ann"}' });
    for (const connection of [guest, user]) {
      await store.connect(connection, []);
      assert.equal(await subscribe(store, connection.connectionId, channel, 200), 'subscribed');
    }
    const { apiId, stage, region } = guest;
    const byId = new Map(
      (await store.subscribers(channel)).items.map((item) => [item.connectionId, item]),
    );
    assert.deepEqual(byId.get(guest.connectionId), {
      connectionId: guest.connectionId,
      apiId,
      stage,
      region,
      connectedAt: guest.connectedAt,
    });
    assert.deepEqual(byId.get(user.connectionId), {
      connectionId: user.connectionId,
      apiId,
      stage,
      region,
      connectedAt: user.connectedAt,
      userId: 'ann',
      identityExpiresAt: 4e12,
    });
  },

  'takes the same subscription twice': async (store) => {
    const [channel, connection] = [uniqueChannel(), record()];
    await store.connect(connection, []);
    await subscribe(store, connection.connectionId, channel, 200);
    await subscribe(store, connection.connectionId, channel, 200);
    assert.equal((await store.subscribers(channel)).items.length, 1);
    assert.deepEqual(await store.channels(connection.connectionId), [channel]);
  },

  'refuses a subscription of a connection it does not know': async (store) => {
    const channel = uniqueChannel();
    assert.equal(await subscribe(store, 'unknown=', channel, 200), 'gone');
    assert.deepEqual((await store.subscribers(channel)).items, []);
    assert.deepEqual(await store.channels('unknown='), []);
  },

  'refuses one channel too many and keeps the others': async (store) => {
    const [first, second, connection] = [uniqueChannel(), uniqueChannel(), record()];
    await store.connect(connection, []);
    assert.equal(await subscribe(store, connection.connectionId, first, 1), 'subscribed');
    assert.equal(await subscribe(store, connection.connectionId, second, 1), 'full');
    assert.equal(await subscribe(store, connection.connectionId, first, 1), 'present');
    assert.deepEqual(await store.channels(connection.connectionId), [first]);
    assert.deepEqual((await store.subscribers(second)).items, []);
  },

  'ends one subscription and says whether there was one': async (store) => {
    const [channel, other, connection] = [uniqueChannel(), uniqueChannel(), record()];
    await store.connect(connection, [channel, other]);
    assert.equal(await unsubscribe(store, connection.connectionId, channel), true);
    assert.equal(await unsubscribe(store, connection.connectionId, channel), false);
    assert.deepEqual(await store.channels(connection.connectionId), [other]);
    assert.deepEqual((await store.subscribers(channel)).items, []);
  },

  'forgets a connection with all its memberships and returns them': async (store) => {
    const [a, b, connection] = [uniqueChannel(), uniqueChannel(), record()];
    await store.connect(connection, [a, b]);
    const left = await store.disconnect(connection.connectionId);
    assert.deepEqual(left?.record, connection);
    assert.deepEqual([...(left?.channels ?? [])].sort(), [a, b].sort());
    assert.equal(await store.disconnect(connection.connectionId), undefined);
    assert.equal(await store.get(connection.connectionId), undefined);
    assert.deepEqual((await store.subscribers(a)).items, []);
    assert.deepEqual(await store.channels(connection.connectionId), []);
  },

  'prunes many connections and leaves the others': async (store) => {
    const channel = uniqueChannel();
    const all = Array.from({ length: 60 }, () => record());
    for (const connection of all) await store.connect(connection, [channel]);
    const gone = all.slice(0, 55).map(({ connectionId }) => connectionId);
    await store.prune([...gone, 'unknown=']);
    const left = (await store.subscribers(channel)).items.map(({ connectionId }) => connectionId);
    assert.deepEqual(left, inSliceOrder(idsOf(all.slice(55))));
    assert.equal(await store.get(gone[0] ?? ''), undefined);
  },

  'pages subscribers in the order of their slices': async (store) => {
    const channel = uniqueChannel();
    const ids = Array.from({ length: 25 }, () => record().connectionId);
    for (const connectionId of ids.toReversed())
      await store.connect(record({ connectionId }), [channel]);
    const found = await everySubscriber(store, channel, 10);
    assert.deepEqual(idsOf(found), inSliceOrder(ids));
  },

  'divides subscribers by ranges that neither overlap nor leave a gap': async (store) => {
    const channel = uniqueChannel();
    const ids = Array.from({ length: 30 }, () => record().connectionId);
    for (const connectionId of ids) await store.connect(record({ connectionId }), [channel]);
    const found: string[] = [];
    for (const [from, to] of [
      [0, 0.2],
      [0.2, 0.55],
      [0.55, 1],
    ] as const) {
      found.push(...idsOf((await store.subscribers(channel, { from, to })).items));
    }
    assert.deepEqual(found, inSliceOrder(ids));
  },

  'hides a connection whose row has expired': async (store) => {
    const [channel, old, live] = [uniqueChannel(), record({ expiresAt: 1_000 }), record()];
    await store.connect(old, [channel]);
    await store.connect(live, [channel]);
    assert.equal(await store.get(old.connectionId), undefined);
    assert.deepEqual(await store.channels(old.connectionId), []);
    assert.equal(await subscribe(store, old.connectionId, channel, 200), 'gone');
    const ids = (await store.subscribers(channel)).items.map(({ connectionId }) => connectionId);
    assert.deepEqual(ids, [live.connectionId]);
  },

  'lets a new connection start without the channels of an expired one': async (store) => {
    const [channel, old] = [uniqueChannel(), record({ expiresAt: 1_000 })];
    await store.connect(old, [channel]);
    await store.connect({ ...old, expiresAt: Date.now() + LIFETIME_MS }, []);
    assert.deepEqual(await store.channels(old.connectionId), []);
    assert.deepEqual((await store.subscribers(channel)).items, []);
  },
};

/**
 * The checks that every {@link ConnectionStore} has to pass, as data.
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
  const all = { ...checks, ...concurrencyChecks({ subscribers, seed }) };
  return Object.entries(all).map(([name, check]) => ({
    name,
    async run() {
      await using store = await make();
      await check(store.connections);
    },
  }));
}
