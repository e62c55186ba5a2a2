import { strict as assert } from 'node:assert';
import type { ConnectionRecord, ConnectionStore, SubscriberRange } from '../store/connections.js';
import { sliceKey, sliceOf } from '../store/slice.js';
import {
  type Check,
  everySubscriber,
  forAll,
  idsOf,
  inSliceOrder,
  memberIds,
  record,
  uniqueChannel,
} from './contract-fixtures.js';

/**
 * A channel with `count` subscribers, each alone in its slice, and their ids in order. In one slice, the
 * subscriber before a given one would be in the range that begins at it.
 */
async function channelWith(
  store: ConnectionStore,
  count: number,
): Promise<{ readonly channel: string; readonly ids: string[] }> {
  const [channel, bySlice] = [uniqueChannel(), new Map<number, ConnectionRecord>()];
  while (bySlice.size < count) {
    const connection = record();
    bySlice.set(sliceOf(connection.connectionId), connection);
  }
  await forAll([...bySlice.values()], (connection) => store.connect(connection, [channel]));
  return { channel, ids: inSliceOrder(idsOf([...bySlice.values()])) };
}

/** All pages of a range. */
async function idsIn(
  store: ConnectionStore,
  channel: string,
  range: SubscriberRange,
): Promise<string[]> {
  const ids: string[] = [];
  let { after } = range;
  do {
    const page = await store.subscribers(channel, {
      ...range,
      ...(after !== undefined && { after }),
    });
    ids.push(...idsOf(page.items));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

/** Two ids in the same slice whose first difference is upper and lower case. */
function idsInOneSlice(): [string, string] {
  const seen = new Map<string, string>();
  for (;;) {
    const { connectionId } = record();
    const [upper, lower] = [`B${connectionId}`, `a${connectionId}`];
    const found = seen.get(sliceKey(lower).slice(0, 4));
    if (found !== undefined) return [found, lower];
    seen.set(sliceKey(upper).slice(0, 4), upper);
  }
}

/** Checks of reading a channel: order, pages, ranges. */
export const subscriberChecks: readonly Check[] = [
  {
    name: 'returns subscribers in the order of their slices with any page size',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 25);
      for (const limit of [1, 2, 10, 24, 25, 26, 5_000]) {
        assert.deepEqual(idsOf(await everySubscriber(store, channel, limit)), ids);
      }
      assert.deepEqual(idsOf((await store.subscribers(channel)).items), ids);
      assert.deepEqual(await store.subscribers(uniqueChannel()), { items: [] });
    },
  },
  {
    name: 'returns the subscribers of one slice in the order of the characters of their ids',
    run: async (store) => {
      const [channel, [upper, lower]] = [uniqueChannel(), idsInOneSlice()];
      for (const connectionId of [lower, upper]) {
        await store.connect(record({ connectionId }), [channel]);
      }
      assert.deepEqual(await memberIds(store, channel), [upper, lower]);
      const [from, to] = [sliceOf(upper), sliceOf(upper) + 1 / 65_536];
      assert.deepEqual(await idsIn(store, channel, { from, to, limit: 1 }), [upper, lower]);
    },
  },
  {
    name: 'has every subscriber in exactly one part of any division, including both ends',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 40);
      const cuts = [sliceOf(ids[11] ?? ''), sliceOf(ids[30] ?? '') + 1 / 65_536];
      for (const bounds of [[], [0.5], [0.2, 0.55], [0.3, 0.3, 0.300_001], cuts]) {
        const found: string[] = [];
        const ends = [...bounds, 1];
        for (const [index, from] of [0, ...bounds].entries()) {
          found.push(...(await idsIn(store, channel, { from, to: ends[index] ?? 1, limit: 7 })));
        }
        assert.deepEqual(found, ids, `divided at ${bounds.join(', ')}`);
      }
    },
  },
  {
    name: 'reads exactly the subscribers of a range',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 30);
      const [from, to] = [sliceOf(ids[10] ?? ''), sliceOf(ids[20] ?? '')];
      const between = (low: number, high: number) =>
        ids.filter((id) => sliceOf(id) >= low && sliceOf(id) < high);
      for (const limit of [1, 4, 1_000]) {
        assert.deepEqual(await idsIn(store, channel, { from, to, limit }), between(from, to));
        assert.deepEqual(await idsIn(store, channel, { from, limit }), between(from, 1));
        assert.deepEqual(await idsIn(store, channel, { to, limit }), between(0, to));
      }
      assert.deepEqual(await idsIn(store, channel, { from: -1, to: 2 }), ids);
    },
  },
  {
    name: 'returns nobody for an empty range',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 10);
      const at = sliceOf(ids[5] ?? '');
      for (const [from, to] of [
        [at, at],
        [at, at + 1e-9],
        [0.9, 0.1],
        [0, 0],
        [1, 1],
        [1, 2],
      ]) {
        const range = { from, to } as SubscriberRange;
        assert.deepEqual(
          await store.subscribers(channel, range),
          { items: [] },
          `${from} to ${to}`,
        );
      }
    },
  },
  {
    name: 'continues after the previous page, also with another range',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 30);
      const { next: after } = await store.subscribers(channel, { limit: 15 });
      assert.ok(after !== undefined);
      const behind = await idsIn(store, channel, { after });
      const count = 30 - behind.length;
      assert.deepEqual(behind, ids.slice(count));
      const slice = (index: number) => sliceOf(ids[index] ?? '');
      const [first, last] = [slice(2), slice(count + 5)];
      assert.deepEqual(await idsIn(store, channel, { from: first, after }), behind);
      assert.deepEqual(await idsIn(store, channel, { from: last, after }), behind.slice(5));
      assert.deepEqual(await idsIn(store, channel, { to: last, after }), behind.slice(0, 5));
      assert.deepEqual(await idsIn(store, channel, { to: first, after }), []);
    },
  },
  {
    name: 'continues after a subscriber that has left since',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 6);
      const [one, two] = ids as [string, string];
      const first = await store.subscribers(channel, { limit: 1 });
      assert.deepEqual(idsOf(first.items), [one]);
      await store.disconnect(one);
      const after = first.next ?? '';
      const second = await store.subscribers(channel, { limit: 1, after });
      assert.deepEqual(idsOf(second.items), [two]);
      await store.unsubscribe(two, [channel]);
      const rest = { after: second.next ?? '', limit: 2 };
      assert.deepEqual(await idsIn(store, channel, rest), ids.slice(2));
      await store.prune(ids.slice(2));
      assert.deepEqual(await idsIn(store, channel, rest), []);
    },
  },
  {
    name: 'treats a limit below 1 as 1',
    run: async (store) => {
      const { channel, ids } = await channelWith(store, 3);
      for (const limit of [0, -5, 0.5, Number.NaN]) {
        const { items } = await store.subscribers(channel, { limit });
        assert.ok(items.length <= 1, `limit ${limit}`);
        assert.deepEqual(await idsIn(store, channel, { limit }), ids, `limit ${limit}`);
      }
    },
  },
  {
    name: 'allows to estimate the size of a channel from its first page',
    run: async (store, { subscribers }) => {
      const { channel, ids } = await channelWith(store, subscribers);
      const { items } = await store.subscribers(channel, { limit: Math.ceil(subscribers / 2) });
      const reached = sliceOf(items.at(-1)?.connectionId ?? '');
      const estimate = items.length / reached;
      const error = Math.abs(estimate / subscribers - 1);
      // Four standard deviations of the estimate from n hashes, if half of them are read.
      assert.ok(error < 4 / Math.sqrt(subscribers), `${estimate} for ${subscribers}`);
      await store.prune(ids);
      assert.deepEqual(await memberIds(store, channel), []);
    },
  },
];
