import { strict as assert } from 'node:assert';
import type { ConnectionRecord } from '../store/connections.js';
import { type CallAction, ConnectionModel, perform } from './connection-store-model.js';
import {
  assertAgreement,
  assertGone,
  type Check,
  connected,
  everySubscriber,
  forAll,
  idsOf,
  inSliceOrder,
  memberIds,
  record,
  sorted,
  subscribe,
  uniqueChannel,
  uniqueChannels,
} from './contract-fixtures.js';
import { type Draw, drawFrom } from './draw.js';

const ACTIONS = 200;
const LIMITS = { maxChannels: 2, maxBytes: 9_999 } as const;

type Name = Exclude<CallAction['do'], 'expire'>;
const NAMES: readonly Name[] = [
  'connect',
  'connect',
  'subscribe',
  'subscribe',
  'subscribe',
  'unsubscribe',
  'disconnect',
  'prune',
];

function drawAction(
  draw: Draw,
  connection: ConnectionRecord,
  channels: readonly string[],
): CallAction {
  const some = channels.filter(() => draw(2) === 1);
  const name = NAMES[draw(NAMES.length)] as Name;
  if (name === 'connect') {
    const again = { ...connection, connectedAt: draw(1e6) };
    return { do: name, record: again, channels: some };
  }
  if (name === 'subscribe') return { do: name, channels: some, limits: LIMITS };
  return name === 'unsubscribe' ? { do: name, channels: some } : { do: name };
}

/** Checks of concurrent calls and of calls in random order. */
export const raceChecks: readonly Check[] = [
  {
    name: 'leaves no membership behind when subscribe and disconnect race',
    run: async (store) => {
      const channels = uniqueChannels(3);
      const all = Array.from({ length: 20 }, () => record());
      await forAll(all, (connection) => store.connect(connection, []));
      await Promise.all(
        all.flatMap(({ connectionId }) => [
          store.subscribe(connectionId, channels, LIMITS),
          store.disconnect(connectionId),
        ]),
      );
      await forAll(idsOf(all), (id) => assertGone(store, id, []));
      for (const channel of channels) assert.deepEqual(await memberIds(store, channel), []);
    },
  },
  {
    name: 'keeps connections and subscribers consistent when subscribe and unsubscribe race',
    run: async (store) => {
      const [channel, all] = [uniqueChannel(), Array.from({ length: 20 }, () => record())];
      await forAll(all, (connection) => store.connect(connection, []));
      const left = await Promise.all(
        all.flatMap(({ connectionId }) => [
          subscribe(store, connectionId, channel),
          store.unsubscribe(connectionId, [channel]),
          subscribe(store, connectionId, channel),
          store.unsubscribe(connectionId, [channel]),
        ]),
      );
      const counted = (value: string | boolean) =>
        left.flat().filter((one) => one === value).length;
      const staying = (await memberIds(store, channel)).length;
      assert.equal(counted('subscribed') - counted(true), staying, 'joined minus left');
      await assertAgreement(store, idsOf(all), [channel]);
    },
  },
  {
    name: 'E1 has one record in all channels when a connection is saved twice at once',
    run: async (store) => {
      const channels = uniqueChannels(4);
      const all = Array.from({ length: 10 }, () => record());
      await forAll(all, (connection) => store.connect(connection, channels.slice(0, 1)));
      await Promise.all(
        all.flatMap((connection) => [
          store.connect({ ...connection, connectedAt: 1 }, channels.slice(1, 3)),
          store.connect({ ...connection, connectedAt: 2, userId: 'ann' }, channels.slice(2)),
        ]),
      );
      for (const { connectionId } of all) {
        assert.deepEqual(sorted(await store.channels(connectionId)), sorted(channels));
      }
      await assertAgreement(store, idsOf(all), channels);
    },
  },
  {
    name: 'returns every subscriber that stays while others join and leave',
    run: async (store, { subscribers }) => {
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
      assert.deepEqual(ids, inSliceOrder([...new Set(ids)]), 'an id is duplicate or not in order');
      const missed = staying.filter(({ connectionId }) => !ids.includes(connectionId));
      assert.deepEqual(missed, []);
      await store.prune(idsOf([...staying, ...joining]));
      assert.deepEqual(await memberIds(store, channel), []);
    },
  },
  {
    name: 'gives the expected results for many connections, in any order of calls',
    run: async (store, { seed }) => {
      const [draw, channels] = [drawFrom(seed), uniqueChannels(3)];
      const connections = Array.from({ length: 20 }, () => record());
      await Promise.all(
        connections.map(async (connection) => {
          const { connectionId } = connection;
          const expected = new ConnectionModel();
          for (let step = 0; step < ACTIONS / connections.length; step += 1) {
            const action = drawAction(draw, connection, channels);
            const result = await perform(store, connectionId, action);
            assert.deepEqual(result, expected.perform(action), `seed ${seed}: ${action.do}`);
          }
          assert.deepEqual(await store.get(connectionId), expected.record, `seed ${seed}`);
          const [has, had] = [await store.channels(connectionId), expected.channels];
          assert.deepEqual(sorted(has), sorted(had), `seed ${seed}`);
        }),
      );
      await assertAgreement(store, idsOf(connections), channels);
    },
  },
  {
    name: 'keeps connections and memberships consistent when calls for the same ids race',
    run: async (store, { seed }) => {
      const [draw, channels] = [drawFrom(seed), uniqueChannels(3)];
      const connections = Array.from({ length: 8 }, () => record());
      await Promise.all(
        Array.from({ length: ACTIONS }, () => {
          const connection = connections[draw(connections.length)] as ConnectionRecord;
          const action = drawAction(draw, connection, channels);
          return perform(store, connection.connectionId, action);
        }),
      );
      await assertAgreement(store, idsOf(connections), channels);
      const [left, stayed] = [connections.slice(0, 4), connections.slice(4)];
      await Promise.all([
        ...left.map(({ connectionId }) => store.disconnect(connectionId)),
        ...stayed.map((connection) => store.connect(connection, [])),
      ]);
      for (const { connectionId } of left) await assertGone(store, connectionId, []);
      for (const connection of stayed) {
        assert.deepEqual(await store.get(connection.connectionId), connection);
      }
      await assertAgreement(store, idsOf(connections), channels);
    },
  },
  {
    name: 'starts and ends a connection repeatedly without traces of the previous one',
    run: async (store) => {
      const channels = uniqueChannels(4);
      const { connectionId } = await connected(store, channels);
      for (const channel of channels) {
        await Promise.all([store.disconnect(connectionId), store.prune([connectionId])]);
        await store.connect(record({ connectionId }), [channel]);
        assert.deepEqual(await store.channels(connectionId), [channel]);
        await assertAgreement(store, [connectionId], channels);
      }
    },
  },
];
