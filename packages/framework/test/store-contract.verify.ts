import { type ConnectionStore, memoryStore } from '@gatecast/framework';
import { connectionStoreContract } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';

type Methods = Partial<ConnectionStore>;

/** Names of the checks that a memory store fails after some of its methods were replaced. */
async function failuresOf(change: (store: ConnectionStore) => Methods): Promise<string[]> {
  const make = async () => {
    const { connections } = memoryStore();
    const replaced = change(connections);
    const store = new Proxy(connections, {
      get(target, name) {
        const value: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return { connections: store, async [Symbol.asyncDispose]() {} };
  };
  const failed: string[] = [];
  for (const { name, run } of connectionStoreContract(make, { subscribers: 40 })) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

/** Mistakes of a store that a caller does not notice at once. */
const mistakes: Readonly<Record<string, (store: ConnectionStore) => Methods>> = {
  'connect keeps the old record': (store) => ({
    async connect(record, channels, limit) {
      const old = await store.get(record.connectionId, limit);
      return store.connect(old ?? record, channels, limit);
    },
  }),
  'connect keeps fields that the new record does not have': (store) => ({
    async connect(record, channels, limit) {
      const old = await store.get(record.connectionId, limit);
      return store.connect({ ...old, ...record }, channels, limit);
    },
  }),
  'connect forgets the channels': (store) => ({
    async connect(record, channels, limit) {
      await store.disconnect(record.connectionId, limit);
      return store.connect(record, channels, limit);
    },
  }),
  'an unknown field is dropped': (store) => ({
    async connect(record, channels, limit) {
      const { connectionId, apiId, stage, region, connectedAt, expiresAt } = record;
      const { userId, identityExpiresAt, identity } = record;
      const known = { connectionId, apiId, stage, region, connectedAt, expiresAt };
      const rest = {
        ...(userId !== undefined && { userId }),
        ...(identityExpiresAt !== undefined && { identityExpiresAt }),
        ...(identity !== undefined && { identity }),
      };
      return store.connect({ ...known, ...rest }, channels, limit);
    },
  }),
  'an empty string is dropped': (store) => ({
    async connect({ userId, ...record }, channels, limit) {
      return store.connect({ ...record, ...(userId && { userId }) }, channels, limit);
    },
  }),
  'disconnect returns the removed connection each time': (store) => {
    const removed = new Map<string, Awaited<ReturnType<ConnectionStore['disconnect']>>>();
    return {
      async disconnect(id, limit) {
        const left = await store.disconnect(id, limit);
        removed.set(id, left ?? removed.get(id));
        return removed.get(id);
      },
    };
  },
  'prune stops at the first unknown connection': (store) => ({
    async prune(ids, limit) {
      for (const id of ids) {
        if (!(await store.get(id, limit))) return;
        await store.prune([id], limit);
      }
    },
  }),
  'prune leaves nothing to a disconnect': (store) => ({
    async prune(ids, limit) {
      await store.prune(ids, limit);
      for (const id of ids) await store.disconnect(id, limit);
    },
  }),
  'subscribe returns results in another order': (store) => ({
    async subscribe(id, channels, limits, limit) {
      return (await store.subscribe(id, channels, limits, limit)).toReversed();
    },
  }),
  'subscribe returns present for the second of two equal names': (store) => ({
    async subscribe(id, channels, limits, limit) {
      const results = await store.subscribe(id, channels, limits, limit);
      return results.map((result, index) =>
        result === 'subscribed' && channels.indexOf(channels[index] ?? '') < index
          ? 'present'
          : result,
      );
    },
  }),
  'subscribe ignores the bytes': (store) => ({
    async subscribe(id, channels, { maxChannels }, limit) {
      return store.subscribe(id, channels, { maxChannels, maxBytes: 1e9 }, limit);
    },
  }),
  'subscribe accepts no name after one that does not fit': (store) => ({
    async subscribe(id, channels, limits, limit) {
      const results: Awaited<ReturnType<ConnectionStore['subscribe']>>[number][] = [];
      for (const channel of channels) {
        const isOver = results.includes('full');
        const none = { maxChannels: 0, maxBytes: 0 };
        const [result] = await store.subscribe(id, [channel], isOver ? none : limits, limit);
        results.push(result ?? 'gone');
      }
      return results;
    },
  }),
  'subscribe is one byte off': (store) => ({
    async subscribe(id, channels, { maxChannels, maxBytes }, limit) {
      return store.subscribe(id, channels, { maxChannels, maxBytes: maxBytes - 1 }, limit);
    },
  }),
  'unsubscribe always reports a subscription': (store) => ({
    async unsubscribe(id, channels, limit) {
      await store.unsubscribe(id, channels, limit);
      return channels.map(() => true);
    },
  }),
  'subscribers ignores the end of a range': (store) => ({
    subscribers: (channel, { to: _to, ...range } = {}, limit) =>
      store.subscribers(channel, range, limit),
  }),
  'subscribers ignores the start of a range after a page': (store) => ({
    subscribers(channel, { from, ...range } = {}, limit) {
      const isFirst = range.after === undefined && from !== undefined;
      return store.subscribers(channel, { ...range, ...(isFirst && { from }) }, limit);
    },
  }),
  'subscribers includes the end of a range': (store) => ({
    subscribers: (channel, { to, ...range } = {}, limit) =>
      store.subscribers(channel, { ...range, ...(to !== undefined && { to: to + 2e-5 }) }, limit),
  }),
  'subscribers returns nothing for a limit of 0': (store) => ({
    subscribers: async (channel, range = {}, limit) =>
      range.limit === 0 ? { items: [] } : store.subscribers(channel, range, limit),
  }),
  'subscribers returns fields that delivery must not see': (store) => ({
    async subscribers(channel, range, limit) {
      const page = await store.subscribers(channel, range, limit);
      return { ...page, items: page.items.map((item) => ({ ...item, expiresAt: 1 })) };
    },
  }),
  'subscribers are in the order of their ids': (store) => ({
    async subscribers(channel, range, limit) {
      const page = await store.subscribers(channel, range, limit);
      const items = [...page.items].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
      return { ...page, items };
    },
  }),
};

const methods = [
  'connect',
  'get',
  'disconnect',
  'subscribe',
  'unsubscribe',
  'subscribers',
  'channels',
  'prune',
] as const;

describe('connectionStoreContract()', () => {
  it.each(Object.entries(mistakes))('E1 catches that %s', async (_name, change) => {
    await expect(failuresOf(change)).resolves.not.toEqual([]);
  });

  it.each(methods)('E2 catches that %s ignores its time limit', async (name) => {
    const failed = await failuresOf((store) => ({
      [name]: (...args: unknown[]) => {
        // The limit is the last parameter, after the optional ones.
        const isLimit = (value: unknown) =>
          typeof value === 'object' && value !== null && ('endsAt' in value || 'signal' in value);
        const rest = args.map((value) => (isLimit(value) ? undefined : value));
        return (store[name] as (...values: unknown[]) => unknown)(...rest);
      },
    }));
    expect(failed.some((check) => check.startsWith('E2 rejects'))).toBe(true);
  });
});
