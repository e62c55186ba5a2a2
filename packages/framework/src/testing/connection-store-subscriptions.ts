import { strict as assert } from 'node:assert';
import type { SubscribeResult } from '../store/connections.js';
import {
  assertAgreement,
  type Check,
  connected,
  everySubscriber,
  memberIds,
  record,
  sorted,
  subscribe,
  subscriberOf,
  uniqueChannel,
  uniqueChannels,
  WIDE,
} from './contract-fixtures.js';

/** A channel whose name has `bytes` bytes. */
function channelOf(bytes: number): string {
  return uniqueChannel().padEnd(bytes, 'x');
}

/** Checks of joining and leaving channels, and of their limits. */
export const subscriptionChecks: readonly Check[] = [
  {
    name: 'E3 subscribes to many channels in one call, with a result for each in their order',
    run: async (store) => {
      const channels = uniqueChannels(200);
      const joined = channels.filter((_channel, index) => index % 3 === 0);
      const connection = await connected(store, joined, { userId: 'ann', identity: '{}' });
      const results = await store.subscribe(connection.connectionId, channels, WIDE);
      assert.deepEqual(
        results,
        channels.map((channel) => (joined.includes(channel) ? 'present' : 'subscribed')),
      );
      assert.deepEqual(sorted(await store.channels(connection.connectionId)), sorted(channels));
      for (const channel of channels) {
        assert.deepEqual(await everySubscriber(store, channel), [subscriberOf(connection)]);
      }
    },
  },
  {
    name: 'E3 unsubscribes from many channels in one call, with a result for each in their order',
    run: async (store) => {
      const channels = uniqueChannels(200);
      const joined = channels.filter((_channel, index) => index % 3 !== 0);
      const stays = uniqueChannel();
      const { connectionId } = await connected(store, [stays, ...joined]);
      const results = await store.unsubscribe(connectionId, channels);
      assert.deepEqual(
        results,
        channels.map((channel) => joined.includes(channel)),
      );
      assert.deepEqual(await store.channels(connectionId), [stays]);
      await assertAgreement(store, [connectionId], [stays, ...channels]);
    },
  },
  {
    name: 'E3 gives a name that appears twice the same result twice',
    run: async (store) => {
      const [a, b, c] = [uniqueChannel(), uniqueChannel(), uniqueChannel()];
      const { connectionId } = await connected(store, [a]);
      const twice = [b, a, b, a, c, c];
      assert.deepEqual(
        await store.subscribe(connectionId, twice, { maxChannels: 2, maxBytes: 9_999 }),
        ['subscribed', 'present', 'subscribed', 'present', 'full', 'full'],
      );
      await assertAgreement(store, [connectionId], [a, b, c]);
      assert.deepEqual(await store.unsubscribe(connectionId, twice), [
        true,
        true,
        true,
        true,
        false,
        false,
      ]);
      assert.deepEqual(await store.channels(connectionId), []);
    },
  },
  {
    name: 'accepts repeated calls, and reports that nothing changed',
    run: async (store) => {
      const [channel, other] = [uniqueChannel(), uniqueChannel()];
      const { connectionId } = await connected(store, []);
      const both = [channel, other];
      for (const result of ['subscribed', 'present', 'present'] as const) {
        assert.deepEqual(await store.subscribe(connectionId, both, WIDE), [result, result]);
        await assertAgreement(store, [connectionId], both);
      }
      for (const left of [true, false, false]) {
        assert.deepEqual(await store.unsubscribe(connectionId, [channel]), [left]);
        assert.deepEqual(await store.channels(connectionId), [other]);
        await assertAgreement(store, [connectionId], both);
      }
      assert.equal(await subscribe(store, connectionId, channel), 'subscribed');
      assert.deepEqual(await memberIds(store, channel), [connectionId]);
    },
  },
  {
    name: 'reports a connection as gone if it was removed or never existed',
    run: async (store) => {
      const channels = uniqueChannels(3);
      const { connectionId: removed } = await connected(store, channels.slice(0, 1));
      await store.disconnect(removed);
      const { connectionId: pruned } = await connected(store, channels.slice(0, 1));
      await store.prune([pruned]);
      for (const id of [record().connectionId, removed, pruned]) {
        const none = { maxChannels: 0, maxBytes: 0 };
        assert.deepEqual(await store.subscribe(id, channels, WIDE), ['gone', 'gone', 'gone']);
        assert.deepEqual(await store.subscribe(id, channels, none), ['gone', 'gone', 'gone']);
        assert.deepEqual(await store.unsubscribe(id, channels), [false, false, false]);
        assert.equal(await store.get(id), undefined);
        assert.deepEqual(await store.channels(id), []);
      }
      for (const channel of channels) assert.deepEqual(await memberIds(store, channel), []);
    },
  },
  {
    name: 'limits the number of channels, in their given order',
    run: async (store) => {
      const [a, b, c, d, e] = uniqueChannels(5) as [string, string, string, string, string];
      const { connectionId } = await connected(store, [a]);
      const three = { maxChannels: 3, maxBytes: 9_999 };
      assert.deepEqual(await store.subscribe(connectionId, [b, a, c, d], three), [
        'subscribed',
        'present',
        'subscribed',
        'full',
      ]);
      assert.deepEqual(await store.subscribe(connectionId, [e, c], three), ['full', 'present']);
      await store.unsubscribe(connectionId, [a]);
      assert.deepEqual(await store.subscribe(connectionId, [e, d], three), ['subscribed', 'full']);
      assert.deepEqual(sorted(await store.channels(connectionId)), sorted([b, c, e]));
      await assertAgreement(store, [connectionId], [a, b, c, d, e]);
    },
  },
  {
    name: 'E4 limits the total bytes of names, and accepts a shorter name if a longer one does not fit',
    run: async (store) => {
      const [joined, long, short, least] = [
        channelOf(60),
        channelOf(61),
        channelOf(50),
        channelOf(40),
      ];
      const { connectionId } = await connected(store, [joined]);
      const limits = (maxBytes: number) => ({ maxChannels: 9, maxBytes });
      const all = [long, short, joined, least];
      assert.deepEqual(await store.subscribe(connectionId, all, limits(120)), [
        'full',
        'subscribed',
        'present',
        'full',
      ]);
      assert.deepEqual(await store.subscribe(connectionId, [least], limits(149)), ['full']);
      assert.deepEqual(await store.subscribe(connectionId, [least], limits(150)), ['subscribed']);
      await store.unsubscribe(connectionId, [short]);
      assert.deepEqual(await store.subscribe(connectionId, [long], limits(160)), ['full']);
      assert.deepEqual(await store.subscribe(connectionId, [long], limits(161)), ['subscribed']);
      await assertAgreement(store, [connectionId], all);
    },
  },
  {
    name: 'saves a connection with more channels than the limits, and adds no more',
    run: async (store) => {
      const [channels, more] = [uniqueChannels(5), uniqueChannel()];
      const { connectionId } = await connected(store, channels);
      const all = [...channels, more];
      const expected: SubscribeResult[] = [...channels.map(() => 'present' as const), 'full'];
      for (const limits of [
        { maxChannels: 3, maxBytes: 9_999 },
        { maxChannels: 99, maxBytes: 20 },
      ]) {
        assert.deepEqual(await store.subscribe(connectionId, all, limits), expected);
      }
      assert.deepEqual(sorted(await store.channels(connectionId)), sorted(channels));
      await store.connect(record({ connectionId }), [more]);
      assert.deepEqual(sorted(await store.channels(connectionId)), sorted(all));
      await assertAgreement(store, [connectionId], all);
    },
  },
  {
    name: 'enforces both limits when calls for one connection race',
    run: async (store) => {
      const channels = uniqueChannels(24).map((channel) => channel.padEnd(50, 'x'));
      const pairs = Array.from({ length: 12 }, (_none, index) =>
        channels.slice(2 * index, 2 * index + 2),
      );
      for (const limits of [
        { maxChannels: 5, maxBytes: 9_999 },
        { maxChannels: 99, maxBytes: 299 },
      ]) {
        const { connectionId } = await connected(store, []);
        const results = await Promise.all(
          pairs.map((pair) => store.subscribe(connectionId, pair, limits)),
        );
        const outcome = results.flat();
        assert.equal(outcome.filter((result) => result === 'subscribed').length, 5);
        assert.equal(outcome.filter((result) => result === 'full').length, 19);
        const joined = channels.filter((_channel, index) => outcome[index] === 'subscribed');
        assert.deepEqual(sorted(await store.channels(connectionId)), sorted(joined));
        await assertAgreement(store, [connectionId], channels);
        await store.disconnect(connectionId);
      }
    },
  },
];
