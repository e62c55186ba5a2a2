import { connectionStoreContract, TestClock } from '@gatecast/framework/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
import { RedisProxy } from './engines/redis-proxy.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { everySubscriber, openStore, recordOf, subscribe, unsubscribe } from './redis-records.js';

describeRedis('redisStore()', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describe('by a URL', () => {
    const makeStore = async () => openStore({ url: server.url });
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
  });

  describe('by a client of the user', () => {
    const makeStore = async () => {
      const client = new Redis(server.port);
      const store = openStore({ client });
      return {
        connections: store.connections,
        async [Symbol.asyncDispose]() {
          await store[Symbol.asyncDispose]();
          expect(await client.ping()).toBe('PONG');
          client.disconnect();
        },
      };
    };
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
  });

  describe('6 ms away', () => {
    const makeStore = async () => {
      const proxy = await RedisProxy.start(server.port, { delayMs: 6 });
      const store = openStore({ url: proxy.url });
      return {
        connections: store.connections,
        async [Symbol.asyncDispose]() {
          await store[Symbol.asyncDispose]();
          await proxy[Symbol.asyncDispose]();
        },
      };
    };
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
  });

  describe('with a clock', () => {
    it('neither returns nor keeps expired connections', async () => {
      const clock = new TestClock();
      await using store = openStore({ url: server.url, now: clock.now });
      const { connections } = store;
      await connections.connect(recordOf('old=', { expiresAt: clock.now() + 60_000 }), ['a', 'b']);
      await connections.connect(recordOf('young='), ['a']);
      clock.advance(60_000);

      expect(await connections.get('old=')).toBeUndefined();
      expect(await connections.channels('old=')).toEqual([]);
      expect(await subscribe(connections, 'old=', 'c')).toBe('gone');
      expect(await unsubscribe(connections, 'old=', 'a')).toBe(false);
      expect(await everySubscriber(connections, 'a')).toEqual(['young=']);
      expect(await everySubscriber(connections, 'b')).toEqual([]);
      expect(await connections.disconnect('old=')).toBeUndefined();
      expect(await server.admin.zcard(`${store.keyPrefix}s:{a}`)).toBe(1);
      expect(await store.keys(server.admin)).toEqual(['c:{young=}', 's:{a}']);
    });

    it('gives keys a time to live, so that the server deletes unused ones', async () => {
      await using store = openStore({ url: server.url });
      const soon = recordOf('soon=', { expiresAt: Date.now() + 60_000 });
      const later = recordOf('later=', { expiresAt: Date.now() + 120_000 });
      await store.connections.connect(later, ['a']);
      await store.connections.connect(soon, ['a']);
      const left = async (key: string) => server.admin.pttl(`${store.keyPrefix}${key}`);
      expect(await left('c:{soon=}')).toBeLessThanOrEqual(60_000);
      expect(await left('c:{soon=}')).toBeGreaterThan(0);
      expect(await left('s:{a}')).toBeGreaterThan(60_000);
      expect(await left('s:{a}')).toBeLessThanOrEqual(120_000);
    });

    it('continues after a page on which everybody has expired', async () => {
      const clock = new TestClock();
      await using store = openStore({ url: server.url, now: clock.now });
      const expiresAt = clock.now() + 60_000;
      for (const id of ['a=', 'b=', 'c='])
        await store.connections.connect(recordOf(id, { expiresAt }), ['x']);
      await store.connections.connect(recordOf('d='), ['x']);
      clock.advance(60_000);
      expect(await everySubscriber(store.connections, 'x', 2)).toEqual(['d=']);
    });
  });

  it('updates the memberships when a connection is saved again with another expiry', async () => {
    const clock = new TestClock();
    await using store = openStore({ url: server.url, now: clock.now });
    const { connections } = store;
    const first = recordOf('a=', { expiresAt: clock.now() + 60_000 });
    await connections.connect(first, ['x']);
    await connections.connect({ ...first, expiresAt: clock.now() + 120_000 }, ['y']);
    expect(await server.admin.zcard(`${store.keyPrefix}s:{x}`)).toBe(1);
    clock.advance(60_000);
    expect(await everySubscriber(connections, 'x')).toEqual(['a=']);
    expect([...(await connections.channels('a='))].sort()).toEqual(['x', 'y']);
  });

  it('separates two prefixes', async () => {
    await using one = openStore({ url: server.url });
    await using other = openStore({ url: server.url });
    await one.connections.connect(recordOf('a='), ['x']);
    expect(await other.connections.get('a=')).toBeUndefined();
    expect(await everySubscriber(other.connections, 'x')).toEqual([]);
  });

  it('reads the address from GATECAST_REDIS_URL at the first call', async () => {
    await using store = openStore();
    process.env.GATECAST_REDIS_URL = server.url;
    try {
      expect(await store.connections.get('unknown=')).toBeUndefined();
    } finally {
      delete process.env.GATECAST_REDIS_URL;
    }
  });

  it('uses the database and the password of the URL', async () => {
    await using guarded = await RedisServer.start('--requirepass', 'p@ss:word');
    await using store = openStore({
      url: `redis://:${encodeURIComponent('p@ss:word')}@127.0.0.1:${guarded.port}/3`,
    });
    await store.connections.connect(recordOf('a='), []);
    const admin = new Redis({ port: guarded.port, db: 3, password: 'p@ss:word' });
    expect(await store.keys(admin)).toEqual(['c:{a=}']);
    admin.disconnect();
  });

  it('sends one command to save a connection and two to subscribe it', async () => {
    await server.admin.ping();
    let sent = 0;
    const client = interceptCommands(server.admin, (send) => {
      sent += 1;
      return send();
    });
    await using store = openStore({ client });
    await store.connections.connect(recordOf('a='), []);
    expect(sent).toBe(1);
    await subscribe(store.connections, 'a=', 'x');
    expect(sent).toBe(3);
    await store.connections.subscribers('x');
    expect(sent).toBe(4);
  });
});
