import { strict as assert } from 'node:assert';
import type { ConnectionRecord } from '../store/connections.js';
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
  subscriberOf,
  uniqueChannel,
  uniqueChannels,
} from './contract-fixtures.js';

const everyFact: Partial<ConnectionRecord> = {
  userId: 'ann',
  identityExpiresAt: 4e12,
  identity: '{"userId":"ann"}',
};

/** Checks of a connection's record, and of its beginning and end. */
export const connectionChecks: readonly Check[] = [
  {
    name: 'has version 2 of the contract',
    run: async (store) => {
      assert.equal(store.contract, 2);
    },
  },
  {
    name: 'returns a connection unchanged',
    run: async (store) => {
      const guest = await connected(store, []);
      const user = await connected(store, [], everyFact);
      assert.deepEqual(await store.get(guest.connectionId), guest);
      assert.deepEqual(await store.get(user.connectionId), user);
      assert.equal(await store.get(record().connectionId), undefined);
    },
  },
  {
    name: 'returns strings in any language unchanged, including long and empty ones',
    run: async (store) => {
      const channel = uniqueChannel();
      const identity = JSON.stringify({ name: 'Zoë', note: `"\\\n\u0000${'x'.repeat(4_000)}` });
      for (const userId of ['Ünïcødé', '使用者|42', '👩‍👩‍👧', 'a b#c:d,e"f\n', '']) {
        const user = await connected(store, [channel], { userId, identity });
        assert.deepEqual(await store.get(user.connectionId), user);
        const found = await everySubscriber(store, channel);
        assert.deepEqual(
          found.find(({ connectionId }) => connectionId === user.connectionId),
          subscriberOf(user),
        );
        assert.deepEqual((await store.disconnect(user.connectionId))?.record, user);
      }
    },
  },
  {
    name: 'keeps unknown fields and passes them on to delivery',
    run: async (store) => {
      const [first, second] = [uniqueChannel(), uniqueChannel()];
      const later = { carrier: 'sse', flags: 3, isQuiet: true, share: 0.25, none: false };
      const connection = await connected(store, [first], { ...everyFact, ...later });
      await store.subscribe(connection.connectionId, [second], { maxChannels: 9, maxBytes: 999 });
      assert.deepEqual(await store.get(connection.connectionId), connection);
      for (const channel of [first, second]) {
        assert.deepEqual(await everySubscriber(store, channel), [subscriberOf(connection)]);
      }
      assert.deepEqual((await store.disconnect(connection.connectionId))?.record, connection);
    },
  },
  {
    name: 'subscribes a new connection to its channels, to each of them once',
    run: async (store) => {
      const channels = uniqueChannels(200);
      const connection = await connected(store, [...channels, ...channels.slice(0, 30)]);
      assert.deepEqual(sorted(await store.channels(connection.connectionId)), sorted(channels));
      await assertAgreement(store, [connection.connectionId], channels);
    },
  },
  {
    name: 'E1 replaces the record in all channels when a connection is saved again',
    run: async (store) => {
      const [x, y] = [uniqueChannel(), uniqueChannel()];
      const old = await connected(store, [x], { ...everyFact, connectedAt: 1 });
      const { identity: _identity, userId: _userId, ...rest } = old;
      const again = { ...rest, connectedAt: 2, identityExpiresAt: 5e12, carrier: 'sse' };
      await store.connect(again, [y]);
      assert.deepEqual(await store.get(old.connectionId), again);
      assert.deepEqual(sorted(await store.channels(old.connectionId)), sorted([x, y]));
      for (const channel of [x, y]) {
        assert.deepEqual(await everySubscriber(store, channel), [subscriberOf(again)]);
      }
      const left = await store.disconnect(old.connectionId);
      assert.deepEqual(left?.record, again);
      assert.deepEqual(sorted(left?.channels ?? []), sorted([x, y]));
    },
  },
  {
    name: 'E1 keeps the channels of a connection that is saved again without changes',
    run: async (store) => {
      const channels = uniqueChannels(3);
      const connection = await connected(store, channels);
      await store.connect(connection, []);
      await store.connect(connection, channels.slice(1));
      assert.deepEqual(sorted(await store.channels(connection.connectionId)), sorted(channels));
      await assertAgreement(store, [connection.connectionId], channels);
    },
  },
  {
    name: 'E1 starts without channels when a connection was removed before',
    run: async (store) => {
      const [x, y, z] = [uniqueChannel(), uniqueChannel(), uniqueChannel()];
      const first = await connected(store, [x], everyFact);
      await store.disconnect(first.connectionId);
      const second = record({ connectionId: first.connectionId });
      await store.connect(second, [y]);
      assert.deepEqual(await store.get(first.connectionId), second);
      assert.deepEqual(await store.channels(first.connectionId), [y]);
      await store.prune([first.connectionId]);
      await store.connect(second, [z]);
      assert.deepEqual(await store.channels(first.connectionId), [z]);
      await assertAgreement(store, [first.connectionId], [x, y, z]);
      const left = await store.disconnect(first.connectionId);
      assert.deepEqual(left, { record: second, channels: [z] });
      assert.equal(await store.disconnect(first.connectionId), undefined);
    },
  },
  {
    name: 'removes a connection with all its memberships and returns them once',
    run: async (store) => {
      const channels = uniqueChannels(60);
      const connection = await connected(store, channels, everyFact);
      const other = await connected(store, channels);
      const left = await store.disconnect(connection.connectionId);
      assert.deepEqual(left?.record, connection);
      assert.deepEqual(sorted(left?.channels ?? []), sorted(channels));
      assert.equal(await store.disconnect(connection.connectionId), undefined);
      assert.equal(await store.disconnect(record().connectionId), undefined);
      await assertGone(store, connection.connectionId, channels);
      await assertAgreement(store, [other.connectionId], channels);
    },
  },
  {
    name: 'returns the removed connection to one of many racing calls',
    run: async (store) => {
      const channels = uniqueChannels(3);
      const connection = await connected(store, channels);
      const calls = Array.from({ length: 10 }, () => store.disconnect(connection.connectionId));
      const [left, ...more] = (await Promise.all(calls)).filter((one) => one !== undefined);
      assert.deepEqual(left?.record, connection);
      assert.deepEqual(sorted(left?.channels ?? []), sorted(channels));
      assert.deepEqual(more, []);
      await assertGone(store, connection.connectionId, channels);
    },
  },
  {
    name: 'prunes many connections, known or not, and leaves the others',
    run: async (store) => {
      const channels = uniqueChannels(2);
      const all = Array.from({ length: 130 }, () => record());
      await forAll(all, (connection) => store.connect(connection, channels));
      const [stays, goes] = [idsOf(all.slice(0, 5)), idsOf(all.slice(5))];
      const unknown = record().connectionId;
      await store.prune([unknown, ...goes.slice(0, 40), unknown, ...goes]);
      await store.prune(goes.slice(0, 3));
      for (const channel of channels) {
        assert.deepEqual(await memberIds(store, channel), inSliceOrder(stays));
      }
      await forAll(goes, async (id) => assertGone(store, id, []));
      await assertAgreement(store, stays, channels);
    },
  },
  {
    name: 'C8 returns a pruned connection to the first disconnect, and hides it from every other method',
    run: async (store) => {
      const channels = uniqueChannels(3);
      const connection = await connected(store, channels, everyFact);
      const { connectionId } = connection;
      const other = uniqueChannel();
      for (let time = 0; time < 2; time += 1) {
        await store.prune([connectionId]);
        await assertGone(store, connectionId, channels);
        const limits = { maxChannels: 9, maxBytes: 999 };
        const asked = [other, ...channels.slice(1)];
        const gone = asked.map(() => 'gone');
        assert.deepEqual(await store.subscribe(connectionId, asked, limits), gone);
        assert.deepEqual(await store.unsubscribe(connectionId, channels.slice(0, 1)), [false]);
        await assertGone(store, connectionId, [...channels, other]);
      }
      const left = await store.disconnect(connectionId);
      assert.deepEqual(left?.record, connection);
      assert.deepEqual(sorted(left?.channels ?? []), sorted(channels));
      assert.equal(await store.disconnect(connectionId), undefined);
      await store.prune([connectionId]);
      assert.equal(await store.disconnect(connectionId), undefined);
    },
  },
  {
    name: 'C8 returns a pruned connection to one of many racing disconnects',
    run: async (store) => {
      const channels = uniqueChannels(2);
      const connection = await connected(store, channels);
      const { connectionId } = connection;
      const calls = Array.from({ length: 10 }, async (_none, index) => {
        if (index % 3 === 0) await store.prune([connectionId]);
        return store.disconnect(connectionId);
      });
      const [left, ...more] = (await Promise.all(calls)).filter((one) => one !== undefined);
      assert.deepEqual(left?.record, connection);
      assert.deepEqual(sorted(left?.channels ?? []), sorted(channels));
      assert.deepEqual(more, []);
      await assertGone(store, connectionId, channels);
    },
  },
  {
    name: 'does nothing when it gets empty lists',
    run: async (store) => {
      const channel = uniqueChannel();
      const connection = await connected(store, [channel]);
      const { connectionId } = connection;
      const limits = { maxChannels: 9, maxBytes: 999 };
      await store.prune([]);
      assert.deepEqual(await store.subscribe(connectionId, [], limits), []);
      assert.deepEqual(await store.unsubscribe(connectionId, []), []);
      assert.deepEqual(await store.subscribe(record().connectionId, [], limits), []);
      assert.deepEqual(await store.unsubscribe(record().connectionId, []), []);
      assert.deepEqual(await store.get(connectionId), connection);
      assert.deepEqual(await store.channels(connectionId), [channel]);
      await assertAgreement(store, [connectionId], [channel]);
    },
  },
];
