// The commands that calls cost the server, and the contents of its keys.
import type { ConnectionRecord } from '@gatecast/framework';
import { sliceKey, sliceOf } from '@gatecast/framework/adapter';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { LIMITS, openStore, recordOf, subscribe, unsubscribe } from './redis-records.js';

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}/${index}`);

describeRedis('redisStore()', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** How often the server has run each command, including commands inside scripts. */
  async function countCommands(work: () => Promise<unknown>): Promise<Record<string, number>> {
    await server.admin.config('RESETSTAT');
    await work();
    const stats = await server.admin.info('commandstats');
    const counts = [...stats.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(
      ([, command = '', calls]) => [command, Number(calls)] as const,
    );
    return Object.fromEntries(counts.filter(([command]) => !/config|info/.test(command)));
  }

  it('E1 replaces the record of a connection for all its channels', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    await connections.connect(recordOf('a=', { connectedAt: 1 }), ['x', 'z']);
    await unsubscribe(connections, 'a=', 'z');
    const renewed = recordOf('a=', { connectedAt: 2, identityExpiresAt: 5, userId: 'ann' });
    await connections.connect(renewed, ['y']);
    const { expiresAt: _expiresAt, ...subscriber } = renewed;
    for (const channel of ['x', 'y']) {
      expect((await connections.subscribers(channel)).items).toEqual([subscriber]);
    }
    expect((await connections.subscribers('z')).items).toEqual([]);
    expect(await connections.get('a=')).toEqual(renewed);
    expect((await connections.channels('a=')).toSorted()).toEqual(['x', 'y']);
  });

  it('C2 keeps the address, the user and fields of later versions in each membership', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    const record = recordOf('a=', { userId: 'Zoë "z" {x}' });
    const later = { ...record, identity: '{}', carrier: { kind: 'http' } } as ConnectionRecord;
    await connections.connect(later, ['x']);
    await subscribe(connections, 'a=', 'y');
    const { expiresAt: _expiresAt, identity: _identity, ...subscriber } = later;
    for (const channel of ['x', 'y']) {
      expect((await connections.subscribers(channel)).items).toEqual([subscriber]);
    }
    expect(await connections.get('a=')).toEqual(later);
    const left = await connections.disconnect('a=');
    expect(left?.record).toEqual(later);
  });

  it('E3 subscribes and unsubscribes 50 channels with one script for the connection', async () => {
    const sent: string[] = [];
    const client = interceptCommands(server.admin, (send, command) => {
      sent.push(command);
      return send();
    });
    await using store = openStore({ client });
    const { connections } = store;
    await connections.connect(recordOf('a='), []);
    const channels = names(50, 'rooms');
    const each = (command: string) => channels.map(() => command);
    sent.length = 0;
    expect(await connections.subscribe('a=', channels, LIMITS)).toEqual(each('subscribed'));
    expect(sent).toEqual(['subscribe', ...each('add')]);
    expect(await connections.subscribe('a=', channels, LIMITS)).toEqual(each('present'));
    sent.length = 0;
    expect(await connections.unsubscribe('a=', channels)).toEqual(channels.map(() => true));
    expect(sent).toEqual(['unsubscribe', ...each('remove'), 'forget']);
  });

  it('E3 answers for each channel, in the order given, within both limits', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    await connections.connect(recordOf('a='), ['one']);
    const few = { maxChannels: 3, maxBytes: 100 };
    expect(
      await connections.subscribe('a=', ['two', 'one', 'two', 'three', 'four', 'one'], few),
    ).toEqual(['subscribed', 'present', 'subscribed', 'subscribed', 'full', 'present']);
    const short = { maxChannels: 10, maxBytes: 'onetwothreeé'.length + 1 };
    expect(await connections.subscribe('a=', ['five', 'é', 'f'], short)).toEqual([
      'full',
      'subscribed',
      'full',
    ]);
    expect(await connections.unsubscribe('a=', ['six', 'two', 'é', 'two'])).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(await connections.subscribe('a=', ['f', 'five', 'g'], short)).toEqual([
      'subscribed',
      'subscribed',
      'full',
    ]);
    expect(await connections.subscribe('gone=', ['x', 'y'], few)).toEqual(['gone', 'gone']);
    expect(await connections.subscribe('a=', [], few)).toEqual([]);
    expect(await connections.unsubscribe('a=', [])).toEqual([]);
  });

  it('E3 keeps to both limits when 20 bulk subscriptions race', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    await connections.connect(recordOf('a='), []);
    const limits = { maxChannels: 30, maxBytes: 1_000 };
    const channels = names(20, 'c');
    const results = await Promise.all(
      channels.map((channel) => connections.subscribe('a=', names(5, channel), limits)),
    );
    expect(results.flat().filter((result) => result === 'subscribed')).toHaveLength(30);
    expect(await connections.channels('a=')).toHaveLength(30);
  });

  it('E5 never reads the whole connection, however many channels it has', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    const limits = { maxChannels: 200, maxBytes: 1_000_000 };
    const long = names(200, 'x'.repeat(190));
    await connections.connect(recordOf('full='), []);
    await connections.subscribe('full=', long, limits);
    await connections.connect(recordOf('empty='), []);
    const never = names(50, 'never');
    const more = names(50, 'y'.repeat(190));

    const ordinary = await countCommands(() => connections.unsubscribe('empty=', never));
    expect(await countCommands(() => connections.unsubscribe('full=', never))).toEqual(ordinary);
    const over = await countCommands(() => connections.subscribe('full=', more, limits));
    const sum = (counts: Record<string, number>) =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    expect(sum(over)).toBeLessThanOrEqual(sum(ordinary) + 2);
    for (const counts of [ordinary, over]) {
      expect(Object.keys(counts).filter((name) => /hgetall|hkeys|hscan|^z/.test(name))).toEqual([]);
    }
  });

  it('reads a page of subscribers with one command', async () => {
    await using store = openStore({ url: server.url });
    for (const id of ['a=', 'b=', 'c=']) await store.connections.connect(recordOf(id), ['x']);
    const counts = await countCommands(() => store.connections.subscribers('x', { limit: 2 }));
    expect(counts).toEqual({ zrangebylex: 1 });
  });

  it('returns 1,000 subscribers in a page, and says whether others follow', async () => {
    await using store = openStore({ url: server.url });
    const { connections, keyPrefix } = store;
    await connections.connect(recordOf('a='), ['x']);
    const channel = `${keyPrefix}s:{x}`;
    const [member = ''] = await server.admin.zrange(channel, 0, '0');
    const others = names(1_000, 'b').map((id) => member.replace(sliceKey('a='), sliceKey(id)));
    await server.admin.zadd(channel, ...others.flatMap((other) => ['0', other]));
    const first = await connections.subscribers('x');
    expect(first.items).toHaveLength(1_000);
    const last = await connections.subscribers('x', { after: first.next ?? '' });
    expect(last.items).toHaveLength(1);
    expect(last.next).toBeUndefined();
  });

  it('keeps to the limit and the range of a page, and ends with a full one', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    const ids = names(6, 'd');
    for (const id of ids) await connections.connect(recordOf(id), ['x']);
    for (const [limit, count] of [
      [7, 6],
      [6, 6],
      [5, 5],
      [1.9, 1],
      [1, 1],
      [0.5, 1],
      [0, 1],
    ] as const) {
      const page = await connections.subscribers('x', { limit });
      expect(page.items).toHaveLength(count);
      expect('next' in page).toBe(count < 6);
    }
    for (const range of [
      { from: 0.6, to: 0.4 },
      { from: 0.5, to: 0.5 },
      { from: 1 },
      { to: 0 },
      { to: 0.5, after: 'ffff' },
    ]) {
      expect(await connections.subscribers('x', range)).toEqual({ items: [] });
    }
    for (const [range, isIn] of [
      [{ to: 0.5 }, (slice: number) => slice < 0.5],
      [{ from: 0.5 }, (slice: number) => slice >= 0.5],
    ] as const) {
      const { items } = await connections.subscribers('x', range);
      const expected = ids.filter((id) => isIn(sliceOf(id)));
      expect(items.map(({ connectionId }) => connectionId).toSorted()).toEqual(expected);
      expect(items.length).toBeGreaterThan(0);
    }
  });

  it('knows nothing of a connection at the end of its life, nor of one that never was', async () => {
    let now = Date.now();
    await using store = openStore({ url: server.url, now: () => now });
    const { connections } = store;
    const record = recordOf('a=', { expiresAt: now + 60_000 });
    await connections.connect(record, ['x']);
    const seen = async (id: string) => [
      await connections.get(id),
      await connections.channels(id),
      (await connections.subscribers('x')).items.length,
    ];
    now += 59_999;
    expect(await seen('a=')).toEqual([record, ['x'], 1]);
    now += 1;
    for (const id of ['a=', 'never=']) {
      expect(await seen(id)).toEqual([undefined, [], 0]);
      expect(await connections.disconnect(id)).toBeUndefined();
    }
  });

  it('asks nothing about no channels, and prunes 100 connections at once', async () => {
    let sent = 0;
    const answers: (() => void)[] = [];
    const client = interceptCommands(server.admin, (send) => {
      sent += 1;
      return new Promise((resolve) => {
        answers.push(() => resolve(send()));
      });
    });
    await using store = openStore({ client });
    expect(await store.connections.subscribe('a=', [], LIMITS)).toEqual([]);
    expect(await store.connections.unsubscribe('a=', [])).toEqual([]);
    expect(sent).toBe(0);
    const pruning = store.connections.prune(names(120, 'c'));
    await vi.waitFor(() => expect(sent).toBe(100));
    for (let answered = 0; answered < 120; answered += 1) {
      await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0));
      answers.shift()?.();
    }
    await pruning;
    expect(sent).toBe(120);
  });

  it('ends at a connect what an unsubscribe has left when it was cut off', async () => {
    await using store = openStore({ url: server.url });
    const { connections, keyPrefix } = store;
    const record = recordOf('a=');
    await connections.connect(record, ['x', 'y']);
    const client = interceptCommands(server.admin, (send, command) =>
      command === 'remove' ? Promise.reject(new Error('The function has died.')) : send(),
    );
    await using dying = openStore({ client, keyPrefix });
    await expect(unsubscribe(dying.connections, 'a=', 'x')).rejects.toMatchObject({
      name: 'StoreError',
    });
    expect((await connections.subscribers('x')).items).toHaveLength(1);
    await connections.connect(record, []);
    expect((await connections.subscribers('x')).items).toEqual([]);
    expect(await connections.channels('a=')).toEqual(['y']);
    // The note of a removal is deleted by the call that began it, which may be sent again.
    const notes = async () =>
      (await server.admin.hkeys(`${keyPrefix}c:{a=}`)).filter((field) => field.startsWith('-'));
    expect(await notes()).toEqual(['-x']);
    await connections.connect({ ...record, userId: 'ann' }, []);
    await unsubscribe(connections, 'a=', 'y');
    expect(await notes()).toEqual(['-x']);
    await connections.disconnect('a=');
    expect(await notes()).toEqual(['-x']);
    expect(await server.admin.pttl(`${keyPrefix}c:{a=}`)).toBeLessThanOrEqual(10_000);
  });

  it('E8 keeps live memberships even if a reader or writer has a clock that is ahead', async () => {
    await using store = openStore({ url: server.url });
    const { keyPrefix } = store;
    const ids = ['a=', 'b=', 'c='];
    for (const id of ids) await store.connections.connect(recordOf(id), ['x']);
    const now = () => Date.now() + 3 * 3_600_000;
    await using ahead = openStore({ url: server.url, keyPrefix, now });
    expect((await ahead.connections.subscribers('x')).items).toEqual([]);
    const record = recordOf('ahead=', { expiresAt: now() + 60_000 });
    for (let turn = 0; turn < 20; turn += 1) {
      await ahead.connections.connect(record, ['x']);
      await ahead.connections.disconnect('ahead=');
    }
    expect((await store.connections.subscribers('x')).items).toHaveLength(ids.length);
    expect(await server.admin.pttl(`${keyPrefix}s:{x}`)).toBeGreaterThan(3_600_000);
    for (const id of ids) expect(await store.connections.channels(id)).toEqual(['x']);
  });

  it('records ended tokens for one minute and no longer', async () => {
    await using store = openStore({ url: server.url });
    const { connections, keyPrefix } = store;
    await connections.connect(recordOf('a='), ['x']);
    await unsubscribe(connections, 'a=', 'x');
    await connections.disconnect('a=');
    const keys = await server.admin.keys(`${keyPrefix}*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(await server.admin.pttl(key)).toBeGreaterThan(0);
      expect(await server.admin.pttl(key)).toBeLessThanOrEqual(60_000);
    }
  });
});
