import { inspect } from 'node:util';
import { StoreError } from '@gatecast/framework';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { RedisProxy } from './engines/redis-proxy.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import {
  everySubscriber,
  failureOf,
  openStore,
  recordOf,
  subscribe,
  unsubscribe,
} from './redis-records.js';

describeRedis('redisStore(), when the server fails', () => {
  it('works again after the server was killed and came back on the same port', async () => {
    await using server = await RedisServer.start();
    await using store = openStore({ url: server.url });
    const { connections } = store;
    await connections.connect(recordOf('a='), ['x']);
    const calls = Array.from({ length: 50 }, (_, at) => subscribe(connections, 'a=', `c${at}`));
    const outcomes = Promise.allSettled(calls);
    await server.kill();
    const reasons = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    for (const error of reasons) expect(StoreError.is(error) && error.retryable).toBe(true);
    const error = await failureOf(connections.connect(recordOf('a='), ['x']));
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.retryable).toBe(true);

    await server.startAgain();
    await connections.connect(recordOf('a='), ['x']);
    expect(await connections.channels('a=')).toEqual(['x']);
    expect(await everySubscriber(connections, 'x')).toEqual(['a=']);
  });

  it('sends a command again if the connection broke while it was idle', async () => {
    await using server = await RedisServer.start();
    await using proxy = await RedisProxy.start(server.port);
    await using store = openStore({ url: proxy.url });
    await store.connections.connect(recordOf('a='), []);
    proxy.cut();
    expect(await store.connections.get('a=')).toMatchObject({ connectionId: 'a=' });
    expect(proxy.accepted).toBe(2);
  });

  it('drops a connection that died unnoticed and sends the command over a new one', async () => {
    await using server = await RedisServer.start();
    await using proxy = await RedisProxy.start(server.port);
    await using store = openStore({ url: proxy.url, commandTimeoutMs: 200 });
    await store.connections.connect(recordOf('a='), []);
    proxy.mute();
    expect(await store.connections.get('a=')).toMatchObject({ connectionId: 'a=' });
    expect(proxy.accepted).toBe(2);
  });

  it('fails while the server does not answer at all, and works again when it does', async () => {
    await using server = await RedisServer.start();
    await using store = openStore({ url: server.url, commandTimeoutMs: 200 });
    await store.connections.connect(recordOf('a='), []);
    server.freeze(true);
    const error = await failureOf(store.connections.get('a='));
    expect(error.retryable).toBe(true);
    expect(error.message).toMatch(/failed: no answer within 200 ms\.$/);
    server.freeze(false);
    expect(await store.connections.get('a=')).toMatchObject({ connectionId: 'a=' });
  });

  it('says that the server is full, and can still remove connections', async () => {
    await using server = await RedisServer.start('--maxmemory-policy', 'noeviction');
    await using store = openStore({ url: server.url });
    const { connections } = store;
    await connections.connect(recordOf('a='), ['x']);
    await connections.connect(recordOf('b='), ['x', 'y']);
    await connections.connect(recordOf('c='), ['x']);
    await server.admin.config('SET', 'maxmemory', '1mb');
    for (const call of [
      () => connections.connect(recordOf('d='), ['x']),
      () => subscribe(connections, 'a=', 'z'),
    ]) {
      expect(await failureOf(call())).toMatchObject({
        code: 'ERR_STORE_REFUSED',
        message: expect.stringContaining('The server is full (OOM, maxmemory).'),
        hint: 'Give the server more memory, and keep its maxmemory-policy at noeviction.',
      });
    }
    expect(await store.keys(server.admin)).toEqual([
      'c:{a=}',
      'c:{b=}',
      'c:{c=}',
      's:{x}',
      's:{y}',
    ]);
    expect(await unsubscribe(connections, 'a=', 'x')).toBe(true);
    expect((await connections.disconnect('b='))?.channels.toSorted()).toEqual(['x', 'y']);
    await connections.prune(['c=']);
    expect(await store.keys(server.admin)).toEqual(['c:{a=}', 'c:{c=}']);
    expect((await connections.disconnect('c='))?.channels).toEqual(['x']);
    expect(await server.admin.pttl(`${store.keyPrefix}c:{a=}`)).toBeGreaterThan(0);

    await server.admin.config('SET', 'maxmemory', '0');
    expect(await subscribe(connections, 'a=', 'z')).toBe('subscribed');
  });

  it('names a read-only replica, and finds the primary with a new connection', async () => {
    await using server = await RedisServer.start();
    await using primary = await RedisServer.start();
    await using store = openStore({ url: server.url });
    await store.connections.connect(recordOf('a='), []);
    await server.admin.replicaof('127.0.0.1', primary.port);
    expect(await failureOf(store.connections.connect(recordOf('b='), []))).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringMatching(/a read-only replica \(READONLY\)\. .* primary endpoint/),
    });
    const before = Number(/total_connections_received:(\d+)/.exec(await server.admin.info())?.[1]);
    await server.admin.replicaof('NO', 'ONE');
    await store.connections.connect(recordOf('b='), []);
    const after = Number(/total_connections_received:(\d+)/.exec(await server.admin.info())?.[1]);
    expect(after - before).toBe(1);
  });

  it('says that credentials are missing or wrong without showing them, and works once they are right', async () => {
    await using server = await RedisServer.start();
    await server.admin.config('SET', 'requirepass', 'right');
    const { port } = server;
    const record = recordOf('a=', { identity: '{"claims":"private"}' });
    for (const [credentials, reason] of [
      ['', 'The server asks for a password (NOAUTH).'],
      [':hush@', 'The server does not accept the user name and password (WRONGPASS).'],
      ['ann:hush@', 'The server does not accept the user name and password (WRONGPASS).'],
    ] as const) {
      await using store = openStore({ url: `redis://${credentials}127.0.0.1:${port}` });
      const error = await failureOf(store.connections.connect(record, []));
      expect(error.code).toBe('ERR_STORE_REFUSED');
      expect(error.message).toContain(reason);
      expect(error.hint).toContain('in the URL, percent-encoded');
      const all = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
      expect(all).not.toMatch(/hush|private/);
    }

    await using store = openStore({ url: `redis://:later@127.0.0.1:${port}` });
    expect((await failureOf(store.connections.get('a='))).message).toContain('WRONGPASS');
    await server.admin.config('SET', 'requirepass', 'later');
    expect(await store.connections.get('a=')).toBeUndefined();
  });

  it('says which permissions a user of the server lacks', async () => {
    await using server = await RedisServer.start();
    await server.admin.acl('SETUSER', 'ann', 'on', '>pw', '~*', '+@read');
    await using store = openStore({ url: `redis://ann:pw@127.0.0.1:${server.port}` });
    const error = await failureOf(store.connections.connect(recordOf('a='), []));
    expect(error.message).toContain('NOPERM');
    const allowed = /Allow it (.*) on the keys/.exec(error.hint)?.[1]?.split(' ') ?? [];
    await server.admin.acl('SETUSER', 'ann', ...allowed);
    await server.admin.acl('SETUSER', 'ann', '-@read', ...allowed);
    await store.connections.connect(recordOf('a='), ['x']);
    expect(await subscribe(store.connections, 'a=', 'y')).toBe('subscribed');
    expect(await everySubscriber(store.connections, 'x')).toEqual(['a=']);
    await store.connections.disconnect('a=');
  });

  it('says that a key has the wrong type', async () => {
    await using server = await RedisServer.start();
    await using store = openStore({ url: server.url });
    await server.admin.set(`${store.keyPrefix}s:{x}`, 'taken');
    const error = await failureOf(store.connections.subscribers('x'));
    expect(error.hint).toContain('keyPrefix');
  });

  it('loads its scripts again after the server has lost them', async () => {
    await using server = await RedisServer.start();
    await using store = openStore({ url: server.url });
    await store.connections.connect(recordOf('a='), []);
    await server.admin.script('FLUSH');
    await store.connections.connect(recordOf('b='), ['x']);
    expect(await everySubscriber(store.connections, 'x')).toEqual(['b=']);
  });

  it("reports the errors of a user's own client, and leaves retries to that client", async () => {
    await using server = await RedisServer.start();
    const client = new Redis({ port: server.port, retryStrategy: null });
    client.on('error', () => {});
    await client.ping();
    await using store = openStore({ client });
    await server.kill();
    const error = await failureOf(store.connections.get('a='));
    expect(error.retryable).toBe(true);
    expect(error.message).toContain('could not read a connection');
    client.disconnect();
  });
});
