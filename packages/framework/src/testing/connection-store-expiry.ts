import { strict as assert } from 'node:assert';
import { pause } from '../time/time-limit.js';
import {
  assertAgreement,
  assertGone,
  type Check,
  connected,
  everySubscriber,
  expired,
  idsOf,
  inSliceOrder,
  LIFETIME_MS,
  memberIds,
  record,
  subscribe,
  uniqueChannel,
  uniqueChannels,
} from './contract-fixtures.js';

/** Checks of connections whose rows have expired. */
export const expiryChecks: readonly Check[] = [
  {
    name: 'hides an expired connection from every method',
    run: async (store) => {
      const [channel, other] = [uniqueChannel(), uniqueChannel()];
      const live = await connected(store, [channel]);
      for (const { connectionId } of [
        await expired(store, [channel]),
        await connected(store, [channel], { expiresAt: 1_000 }),
      ]) {
        await assertGone(store, connectionId, [channel]);
        assert.equal(await subscribe(store, connectionId, channel), 'gone');
        assert.equal(await subscribe(store, connectionId, other), 'gone');
        assert.deepEqual(await store.unsubscribe(connectionId, [channel]), [false]);
        assert.equal(await store.disconnect(connectionId), undefined);
        await assertGone(store, connectionId, [channel, other]);
      }
      assert.deepEqual(await memberIds(store, channel), [live.connectionId]);
    },
  },
  {
    name: 'hides a connection from the moment of its expiry on',
    run: async (store) => {
      const channels = uniqueChannels(2);
      const expiresAt = Date.now() + 300;
      const { connectionId } = await connected(store, channels, { expiresAt });
      // A database may round times to whole seconds.
      while (Date.now() <= expiresAt) await pause(expiresAt + 1 - Date.now());
      await assertGone(store, connectionId, channels);
      assert.equal(await subscribe(store, connectionId, uniqueChannel()), 'gone');
      assert.equal(await store.disconnect(connectionId), undefined);
    },
  },
  {
    name: 'E1 starts without channels when a connection has expired before',
    run: async (store) => {
      const [old, kept] = [uniqueChannel(), uniqueChannel()];
      const { connectionId } = await expired(store, [old, kept]);
      const again = record({ connectionId });
      await store.connect(again, [kept]);
      assert.deepEqual(await store.get(connectionId), again);
      assert.deepEqual(await store.channels(connectionId), [kept]);
      assert.deepEqual(await memberIds(store, kept), [connectionId]);
      assert.deepEqual(await memberIds(store, old), []);
      assert.deepEqual((await store.disconnect(connectionId))?.channels, [kept]);
    },
  },
  {
    name: 'E1 starts without channels when racing calls use the id of an expired connection again',
    run: async (store) => {
      const [channel, other] = [uniqueChannel(), uniqueChannel()];
      const old = await expired(store, [channel]);
      const again = { ...old, expiresAt: Date.now() + LIFETIME_MS };
      await Promise.all([store.connect(again, [other]), store.connect(again, [other])]);
      assert.deepEqual(await store.get(old.connectionId), again);
      assert.deepEqual(await store.channels(old.connectionId), [other]);
      await assertAgreement(store, [old.connectionId], [channel, other]);
    },
  },
  {
    name: 'removes expired connections when they are pruned',
    run: async (store) => {
      const channel = uniqueChannel();
      const [old, live] = [await expired(store, [channel]), await connected(store, [channel])];
      await store.prune([old.connectionId]);
      await assertGone(store, old.connectionId, [channel]);
      assert.equal(await store.disconnect(old.connectionId), undefined);
      await store.connect(record({ connectionId: old.connectionId }), []);
      assert.deepEqual(await store.channels(old.connectionId), []);
      assert.deepEqual(await memberIds(store, channel), [live.connectionId]);
    },
  },
  {
    name: 'C8 forgets a pruned connection at the time of its expiry',
    run: async (store) => {
      const expiresAt = Date.now() + 300;
      const { connectionId } = await connected(store, uniqueChannels(1), { expiresAt });
      await store.prune([connectionId]);
      while (Date.now() <= expiresAt) await pause(expiresAt + 1 - Date.now());
      assert.equal(await store.disconnect(connectionId), undefined);
    },
  },
  {
    name: 'reads past subscribers that have expired',
    run: async (store) => {
      const channel = uniqueChannel();
      const all: string[] = [];
      for (let index = 0; index < 24; index += 1) {
        if (index % 4 === 0) all.push((await connected(store, [channel])).connectionId);
        else await expired(store, [channel]);
      }
      for (const limit of [1, 5, 100]) {
        assert.deepEqual(idsOf(await everySubscriber(store, channel, limit)), inSliceOrder(all));
      }
    },
  },
];
