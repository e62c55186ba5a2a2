import { StoreError } from '@gatecast/framework';
import { connectionStoreContract, messageLogContract } from '@gatecast/framework/testing';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisCluster } from './engines/redis-cluster.js';
import { describeRedis } from './engines/redis-server.js';
import { ALL, append, appendMany, CHANNEL, namesOf, pageOf, resetOf } from './redis-log-records.js';
import { everySubscriber, failureOf, inSliceOrder, openStore, recordOf } from './redis-records.js';

describeRedis('redisStore() on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  describe('by the URL of one node', () => {
    const makeStore = async () => openStore({ cluster: cluster.urls[0] ?? '' });
    // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- so do the checks themselves.
    for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
  });

  describe('by a client of the user', () => {
    const makeStore = async () => {
      const client = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
      return {
        connections: openStore({ client }).connections,
        async [Symbol.asyncDispose]() {
          client.disconnect();
        },
      };
    };
    // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- so do the checks themselves.
    for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
  });

  describe('its log', () => {
    const makeStore = async ({ now }: { now: () => number }) =>
      openStore({ cluster: cluster.urls, now });
    // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- so do the checks themselves.
    for (const check of messageLogContract(makeStore)) it(check.name, check.run);
  });

  it('spreads its keys over all nodes', async () => {
    await using store = openStore({ cluster: cluster.urls });
    const channels = Array.from({ length: 30 }, (_, number) => `c${number}`);
    await store.connections.connect(recordOf('a='), channels);
    const counts = await Promise.all(cluster.nodes.map(({ admin }) => admin.dbsize()));
    expect(counts.every((count) => count > 0)).toBe(true);
    const left = await store.connections.disconnect('a=');
    expect(left?.channels.toSorted()).toEqual(channels.sort());
    for (const { admin } of cluster.nodes) expect(await store.keys(admin)).toEqual([]);
  });

  it('keeps the log of a channel in one slot, and logs on all nodes', async () => {
    await using store = openStore({ cluster: cluster.urls });
    const { log, keyPrefix } = store;
    const channels = Array.from({ length: 30 }, (_, number) => `rooms/${number}/$presence`);
    const appends = channels.map(async (channel) => {
      const { position } = await log.head({ ...CHANNEL, channel });
      await appendMany(log, { to: 3 }, { channel, maxEntries: 2 });
      return { channel, after: position };
    });
    for (const { channel, after } of await Promise.all(appends)) {
      expect(resetOf(await log.readAfter({ ...ALL, channel, after, maxEntries: 2 }))).toBe(
        'trimmed',
      );
      expect(
        namesOf(pageOf(await log.readBefore({ ...ALL, channel, maxEntries: 2 })).entries),
      ).toEqual([2, 3]);
    }
    for (const { admin } of cluster.nodes) {
      const keys = await admin.keys(`${keyPrefix}[hkl]:*`);
      expect(keys.length).toBeGreaterThan(0);
      const slots = new Map<string, Set<number>>();
      for (const key of keys) {
        const [, channel = ''] = /\{(.*)\}/.exec(key) ?? [];
        const found = slots.get(channel) ?? new Set();
        slots.set(channel, found.add(await admin.cluster('KEYSLOT', key)));
      }
      for (const found of slots.values()) expect(found.size).toBe(1);
      expect(keys).toHaveLength(slots.size * 5);
    }
    await Promise.all(channels.map((channel) => log.purge({ ...CHANNEL, channel })));
    for (const channel of channels) {
      expect(pageOf(await log.readBefore({ ...ALL, channel })).entries).toEqual([]);
    }
  });

  it('asks for the option cluster when it was given a node as url', async () => {
    await using store = openStore({ url: cluster.urls[0] ?? '' });
    const ids = Array.from({ length: 20 }, (_, number) => `n${number}=`);
    const outcomes = await Promise.allSettled(ids.map((id) => store.connections.get(id)));
    const [failed] = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as StoreError] : [],
    );
    expect(failed).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      hint: 'Pass its URL as redisStore({ cluster }) instead of redisStore({ url }).',
    });
  });

  it('says what is wrong with the credentials, and which permissions a user lacks', async () => {
    const [url = ''] = cluster.urls;
    const setUser = (...rules: readonly string[]) =>
      Promise.all(cluster.nodes.map(({ admin }) => admin.acl('SETUSER', 'ann', ...rules)));
    await setUser('on', '>pw', '~*', '+@read');
    const urlOf = (credentials: string) => url.replace('//', `//${credentials}@`);
    await using guest = openStore({ cluster: urlOf('ann:hush') });
    const wrong = await failureOf(guest.connections.get('a='));
    expect(wrong.message).toContain('does not accept the user name and password (WRONGPASS).');
    expect(wrong.retryable).toBe(false);

    await using store = openStore({ cluster: urlOf('ann:pw') });
    const { message, hint } = await failureOf(store.connections.get('a='));
    expect(message).toContain('The user may not do this (NOPERM).');
    const [, allowed = '', inCluster = ''] =
      /Allow it (.*) on the keys .* in a cluster (.*)\.$/.exec(hint) ?? [];
    await setUser('-@all', ...allowed.split(' '), inCluster);
    await store.connections.connect(recordOf('a='), ['x']);
    expect(await everySubscriber(store.connections, 'x')).toEqual(['a=']);
    await store.connections.disconnect('a=');
    const { entry, finish } = await append(store.log, 'a');
    await finish?.(Promise.resolve(1));
    expect(pageOf(await store.log.readBefore(ALL)).entries).toEqual([entry]);
    expect((await append(store.log, 'a')).isDuplicate).toBe(true);
    await store.log.purge(CHANNEL);
  });

  // This test comes last, because it changes the cluster.
  it('fails with StoreErrors while a node is down, and works again when it is back', async () => {
    await using store = openStore({ cluster: cluster.urls, commandTimeoutMs: 500 });
    const ids = Array.from({ length: 20 }, (_, number) => `k${number}=`);
    const connectAll = () =>
      Promise.allSettled(ids.map((id) => store.connections.connect(recordOf(id), ['x'])));
    expect((await connectAll()).every(({ status }) => status === 'fulfilled')).toBe(true);
    const [node] = cluster.nodes;
    await node?.kill();
    const failed = (await connectAll()).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed) expect(StoreError.is(error) && error.retryable).toBe(true);

    await node?.startAgain();
    await vi.waitFor(
      async () => {
        const outcomes = await connectAll();
        expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true);
      },
      { timeout: 30_000, interval: 200 },
    );
    expect(await everySubscriber(store.connections, 'x')).toEqual(inSliceOrder(ids));
  });
});
