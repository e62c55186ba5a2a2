import { strict as assert } from 'node:assert';
import type { ConnectionRecord, ConnectionStore } from '../store/connections.js';
import type { TimeLimit } from '../time/time-limit.js';
import {
  assertAgreement,
  assertOutOfTime,
  type Check,
  connected,
  everySubscriber,
  failureOf,
  futureLimits,
  LIFETIME_MS,
  record,
  sorted,
  subscriberOf,
  uniqueChannels,
  WIDE,
} from './contract-fixtures.js';

/** A connection in one of two channels, and a call of every method of the store. */
async function callsOf(store: ConnectionStore): Promise<{
  readonly calls: Readonly<Record<string, (limit?: TimeLimit) => Promise<unknown>>>;
  readonly assertUnchanged: () => Promise<void>;
}> {
  const [joined, free] = uniqueChannels(2) as [string, string];
  const [connection, unknown] = [await connected(store, [joined]), record()];
  const { connectionId } = connection;
  const again: ConnectionRecord = { ...connection, userId: 'bob' };
  const channels = [joined, free];
  return {
    calls: {
      connect: (limit) => store.connect(unknown, channels, limit),
      'connect again': (limit) => store.connect(again, channels, limit),
      get: (limit) => store.get(connectionId, limit),
      disconnect: (limit) => store.disconnect(connectionId, limit),
      subscribe: (limit) => store.subscribe(connectionId, channels, WIDE, limit),
      unsubscribe: (limit) => store.unsubscribe(connectionId, channels, limit),
      subscribers: (limit) => store.subscribers(joined, {}, limit),
      channels: (limit) => store.channels(connectionId, limit),
      prune: (limit) => store.prune([connectionId], limit),
    },
    async assertUnchanged() {
      assert.deepEqual(await store.get(connectionId), connection);
      assert.equal(await store.get(unknown.connectionId), undefined);
      assert.deepEqual(await store.channels(connectionId), [joined]);
      await assertAgreement(store, [connectionId, unknown.connectionId], channels);
    },
  };
}

/** Checks of time limits. */
export const timeChecks: readonly Check[] = [
  {
    name: 'E2 rejects every call whose time is over, and changes nothing',
    run: async (store) => {
      const { calls, assertUnchanged } = await callsOf(store);
      for (const [name, call] of Object.entries(calls)) {
        for (const endsAt of [Date.now() - 1, 0]) {
          assertOutOfTime(name, await failureOf(name, call({ endsAt })));
        }
        await assertUnchanged();
      }
    },
  },
  {
    name: 'E2 rejects every call whose signal is aborted with its reason, and changes nothing',
    run: async (store) => {
      const { calls, assertUnchanged } = await callsOf(store);
      const reason = new Error('the handler has answered');
      const signal = AbortSignal.abort(reason);
      for (const [name, call] of Object.entries(calls)) {
        assert.equal(await failureOf(name, call({ signal })), reason, name);
        const endsAt = Date.now() + 60_000;
        assert.equal(await failureOf(name, call({ signal, endsAt })), reason, name);
        await assertUnchanged();
      }
    },
  },
  {
    name: 'E2 ends a running call when its signal is aborted, and the same call completes it',
    run: async (store) => {
      const reason = new Error('the handler has answered');
      const channels = uniqueChannels(30);
      const connection = await connected(store, channels.slice(0, 15));
      const { connectionId } = connection;
      for (const call of [
        (limit: TimeLimit) => store.subscribe(connectionId, channels, WIDE, limit),
        (limit: TimeLimit) => store.unsubscribe(connectionId, channels, limit),
        (limit: TimeLimit) => store.disconnect(connectionId, limit),
        (limit: TimeLimit) => store.connect(connection, channels, limit),
        (limit: TimeLimit) => store.prune([connectionId], limit),
      ]) {
        const abort = new AbortController();
        const running = call({ signal: abort.signal });
        abort.abort(reason);
        await running.catch((error: unknown) => assert.equal(error, reason));
        // The same call again completes what was cut off.
        await call({});
        await assertAgreement(store, [connectionId], channels);
      }
    },
  },
  {
    name: 'E7 gives the same results with a time limit at any point in the future',
    run: async (store) => {
      for (const limit of futureLimits()) {
        const channels = uniqueChannels(2);
        const [connection, old] = [record(), record()];
        const { connectionId } = connection;
        await store.connect(connection, channels.slice(0, 1), limit);
        assert.deepEqual(await store.subscribe(connectionId, channels, WIDE, limit), [
          'present',
          'subscribed',
        ]);
        assert.deepEqual(await store.get(connectionId, limit), connection);
        assert.deepEqual(sorted(await store.channels(connectionId, limit)), sorted(channels));
        const page = await store.subscribers(channels[1] ?? '', { limit: 9 }, limit);
        assert.deepEqual(page.items, [subscriberOf(connection)]);
        assert.deepEqual(await store.unsubscribe(connectionId, channels.slice(1), limit), [true]);
        const left = await store.disconnect(connectionId, limit);
        assert.deepEqual(left, { record: connection, channels: channels.slice(0, 1) });
        await store.connect({ ...old, expiresAt: Date.now() + LIFETIME_MS }, channels, limit);
        await store.prune([old.connectionId], limit);
        assert.deepEqual(await everySubscriber(store, channels[0] ?? ''), []);
      }
    },
  },
];
