import { strict as assert } from 'node:assert';
import type { ConnectionRecord, ConnectionStore } from '../store/connections.js';
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

const AT_ONCE = 25;
const OPERATIONS = 200;
const MAX_CHANNELS = 2;

/** A random integer below a bound. */
type Draw = (below: number) => number;

/** Checks of what happens at the same time, or in any order. */
export function concurrencyChecks({
  subscribers,
  seed,
}: {
  readonly subscribers: number;
  readonly seed: number;
}): Readonly<Record<string, Check>> {
  return {
    'leaves no membership behind when subscribe and disconnect race': async (store) => {
      const channel = uniqueChannel();
      const all = Array.from({ length: 20 }, () => record());
      await Promise.all(all.map((connection) => store.connect(connection, [])));
      await Promise.all(
        all.flatMap(({ connectionId }) => [
          subscribe(store, connectionId, channel, 200),
          store.disconnect(connectionId),
        ]),
      );
      assert.deepEqual((await store.subscribers(channel)).items, []);
      for (const { connectionId } of all) assert.deepEqual(await store.channels(connectionId), []);
    },

    'starts afresh when the id of an expired connection comes back in calls that race': async (
      store,
    ) => {
      const [channel, other, old] = [
        uniqueChannel(),
        uniqueChannel(),
        record({ expiresAt: 1_000 }),
      ];
      const { connectionId } = old;
      const again = { ...old, expiresAt: Date.now() + LIFETIME_MS };
      await store.connect(old, [channel]);
      await Promise.all([store.connect(again, [other]), store.connect(again, [other])]);
      assert.deepEqual(await store.get(connectionId), again);
      await assertAgreement(store, [connectionId], [channel, other]);
      assert.deepEqual(await store.channels(connectionId), [other]);
    },

    'keeps to the limit when subscriptions of one connection race': async (store) => {
      const [connection, channels] = [record(), Array.from({ length: 12 }, uniqueChannel)];
      const { connectionId } = connection;
      await store.connect(connection, []);
      const results = await Promise.all(
        channels.map((channel) => subscribe(store, connectionId, channel, 5)),
      );
      assert.equal(results.filter((result) => result === 'subscribed').length, 5);
      assert.equal((await store.channels(connectionId)).length, 5);
      await assertAgreement(store, [connectionId], channels);
    },

    'leaves connections and subscribers in agreement when subscribe and unsubscribe race': async (
      store,
    ) => {
      const [channel, all] = [uniqueChannel(), Array.from({ length: 20 }, () => record())];
      await forAll(all, (connection) => store.connect(connection, []));
      await Promise.all(
        all.flatMap(({ connectionId }) => [
          subscribe(store, connectionId, channel, 200),
          unsubscribe(store, connectionId, channel),
          subscribe(store, connectionId, channel, 200),
          unsubscribe(store, connectionId, channel),
        ]),
      );
      await assertAgreement(store, idsOf(all), [channel]);
    },

    'pages every subscriber that stays while others join and leave': async (store) => {
      const channel = uniqueChannel();
      const staying = Array.from({ length: subscribers }, () => record());
      const leaving = Array.from({ length: Math.ceil(subscribers / 10) }, () => record());
      await forAll([...staying, ...leaving], (connection) => store.connect(connection, [channel]));
      const joining = leaving.map(() => record());
      const [found] = await Promise.all([
        everySubscriber(store, channel, Math.ceil(subscribers / 15)),
        forAll(joining, (connection) => store.connect(connection, [channel])),
        forAll(leaving, ({ connectionId }) => store.disconnect(connectionId)),
      ]);
      const ids = idsOf(found);
      assert.deepEqual(ids, inSliceOrder([...new Set(ids)]), 'twice, or not in order');
      const missed = staying.filter(({ connectionId }) => !ids.includes(connectionId));
      assert.deepEqual(missed, []);
      await store.prune([...staying, ...joining].map(({ connectionId }) => connectionId));
      assert.deepEqual((await store.subscribers(channel)).items, []);
    },

    'does what each of many connections was told last, in any order of calls': async (store) => {
      const draw = drawFrom(seed);
      const channels = Array.from({ length: 3 }, uniqueChannel);
      const connections = Array.from({ length: 20 }, () => record());
      await Promise.all(
        connections.map(async (connection) => {
          const expected = new Model();
          for (let step = 0; step < OPERATIONS / connections.length; step += 1) {
            const operation = drawOperation(draw, channels);
            const done = await perform(store, connection, operation);
            assert.deepEqual(done, expected.perform(operation), `seed ${seed}: ${operation.name}`);
          }
          const { connectionId } = connection;
          const kept = expected.channels && connection;
          assert.deepEqual(await store.get(connectionId), kept, `seed ${seed}`);
          assert.deepEqual(
            [...(await store.channels(connectionId))].sort(),
            [...(expected.channels ?? [])].sort(),
            `seed ${seed}`,
          );
        }),
      );
      await assertAgreement(store, idsOf(connections), channels);
    },

    'leaves connections and memberships in agreement when calls for the same ids race': async (
      store,
    ) => {
      const draw = drawFrom(seed);
      const channels = Array.from({ length: 3 }, uniqueChannel);
      const connections = Array.from({ length: 8 }, () => record());
      await Promise.all(
        Array.from({ length: OPERATIONS }, () => {
          const connection = connections[draw(connections.length)] as ConnectionRecord;
          return perform(store, connection, drawOperation(draw, channels));
        }),
      );
      await assertAgreement(store, idsOf(connections), channels);
      const [left, stayed] = [connections.slice(0, 4), connections.slice(4)];
      await Promise.all([
        ...left.map(({ connectionId }) => store.disconnect(connectionId)),
        ...stayed.map((connection) => store.connect(connection, [])),
      ]);
      for (const { connectionId } of left) {
        assert.equal(await store.get(connectionId), undefined);
        assert.deepEqual(await store.channels(connectionId), []);
      }
      for (const connection of stayed) {
        assert.deepEqual(await store.get(connection.connectionId), connection);
      }
      await assertAgreement(store, idsOf(connections), channels);
    },
  };
}

interface Operation {
  readonly name: 'connect' | 'connectTo' | 'subscribe' | 'unsubscribe' | 'disconnect';
  readonly channel: string;
}

const NAMES: readonly Operation['name'][] = [
  'connect',
  'connectTo',
  'subscribe',
  'subscribe',
  'subscribe',
  'unsubscribe',
  'disconnect',
];

function drawOperation(draw: Draw, channels: readonly string[]): Operation {
  return {
    name: NAMES[draw(NAMES.length)] as Operation['name'],
    channel: channels[draw(channels.length)] as string,
  };
}

async function perform(
  store: ConnectionStore,
  connection: ConnectionRecord,
  { name, channel }: Operation,
): Promise<unknown> {
  const { connectionId } = connection;
  if (name === 'connect') return store.connect(connection, []);
  if (name === 'connectTo') return store.connect(connection, [channel]);
  if (name === 'subscribe') return subscribe(store, connectionId, channel, MAX_CHANNELS);
  if (name === 'unsubscribe') return unsubscribe(store, connectionId, channel);
  return [...((await store.disconnect(connectionId))?.channels ?? [])].sort();
}

/** What becomes of one connection. */
class Model {
  /** Those it is subscribed to; absent while there is no connection. */
  channels: Set<string> | undefined;

  perform({ name, channel }: Operation): unknown {
    if (name === 'connect' || name === 'connectTo') {
      this.channels ??= new Set();
      if (name === 'connectTo') this.channels.add(channel);
      return undefined;
    }
    if (name === 'unsubscribe') return this.channels?.delete(channel) ?? false;
    if (name === 'disconnect') {
      const left = [...(this.channels ?? [])].sort();
      this.channels = undefined;
      return left;
    }
    if (!this.channels) return 'gone';
    if (this.channels.has(channel)) return 'present';
    if (this.channels.size >= MAX_CHANNELS) return 'full';
    this.channels.add(channel);
    return 'subscribed';
  }
}

/** Asserts that a channel has exactly the subscribers that say they are subscribed to it. */
async function assertAgreement(
  store: ConnectionStore,
  connectionIds: readonly string[],
  channels: readonly string[],
): Promise<void> {
  const said: string[] = [];
  for (const id of connectionIds) {
    const exists = (await store.get(id)) !== undefined;
    const own = await store.channels(id);
    assert.ok(exists || own.length === 0, `${id} is gone and has channels`);
    said.push(...own.map((channel) => `${channel} ${id}`));
  }
  const found: string[] = [];
  for (const channel of channels) {
    const ids = idsOf(await everySubscriber(store, channel, 100));
    found.push(...ids.map((id) => `${channel} ${id}`));
  }
  assert.deepEqual(found.sort(), said.sort());
}

async function forAll<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  const drain = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, drain));
}

// A linear congruential generator: its high bits are random enough for orders of calls.
function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
