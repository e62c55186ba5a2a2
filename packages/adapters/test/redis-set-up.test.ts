import { inspect } from 'node:util';
import { redisStore } from '@gatecast/adapters/redis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeRedis, freePort, RedisServer } from './engines/redis-server.js';
import { failureOf, openStore, recordOf } from './redis-records.js';

describe('redisStore() without a server', () => {
  it('says where it could not connect, and does so again at the next call', async () => {
    const port = await freePort();
    await using store = openStore({ url: `redis://127.0.0.1:${port}` });
    for (let call = 0; call < 2; call += 1) {
      expect(await failureOf(store.connections.get('a='))).toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        retryable: true,
        message: `The store "redis" could not read a connection: The connection to 127.0.0.1:${port} failed: connect ECONNREFUSED 127.0.0.1:${port}.`,
      });
    }
  });

  it('says the same of a cluster without a reachable node', async () => {
    const port = await freePort();
    await using store = openStore({ cluster: [`redis://127.0.0.1:${port}`] });
    const error = await failureOf(store.connections.get('a='));
    expect(error.retryable).toBe(true);
    expect(error.message).toContain(`The connection to 127.0.0.1:${port} failed: connect ECONN`);
  });

  it('leaves no timer behind', async () => {
    await using store = openStore({ url: `redis://127.0.0.1:${await freePort()}` });
    const countTimers = () =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = countTimers();
    await failureOf(store.connections.get('a='));
    // The test runner has timers too; one that ioredis leaves behind lasts 2 s.
    await vi.waitFor(() => expect(countTimers()).toBeLessThanOrEqual(before), { timeout: 1_000 });
  });

  it('asks for an address', async () => {
    await using store = openStore();
    expect(await failureOf(store.connections.get('a='))).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: 'The store "redis" refused to read a connection: No server is set.',
      hint: 'Pass redisStore({ url }), or set the environment variable GATECAST_REDIS_URL.',
    });
  });

  it.each([
    ['localhost:6379', 'localhost:6379'],
    ['http://u:secret@cache:6379', '…@cache:6379'],
    ['u:secret@cache', '…@cache'],
    ['redis://', 'redis://'],
    ['redis://:secret', 'redis://:…'],
    ['redis://u:6secret', 'redis://u:…'],
    ['redis://u:100%secret@cache', '…@cache'],
    ['redis://u:1/secret@cache', '…@cache'],
    ['redis://u:1?secret@cache', '…'],
    ['redis://u:1#secret@cache', '…'],
    ['redis://u:1/secret', 'redis://u:…'],
    ['redis://u:1?secret', 'redis://u:…'],
    ['redis://cache:6379/0?password=secret', 'redis://cache:6379/0?…'],
    ['redis://cache?password=a@secret', '…'],
    ['redis://u:secret@cache:6379/0?password=secret', '…@cache:6379/0?…'],
    ['redis://cache#secret', 'redis://cache…'],
    ['redis://:secret@cache:6379/first', '…@cache:6379/first'],
  ])('E10 refuses the address %s without showing its password', async (url, shown) => {
    await using store = openStore({ url });
    const error = await failureOf(store.connections.get('a='));
    expect(error).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining(`"${shown}" is not the URL of a Redis server.`),
      hint: expect.stringContaining('redis://host:6379'),
    });
    expect(inspect(error, { depth: 9 })).not.toContain('secret');
  });
});

describe('the options of redisStore()', () => {
  it.each([
    ['E7', { commandTimeoutMs: 2_147_483_648 }],
    ['E7', { commandTimeoutMs: Infinity }],
    ['E7', { commandTimeoutMs: NaN }],
    ['E7', { commandTimeoutMs: 0 }],
    ['E7', { commandTimeoutMs: '2000' }],
    ['K2', { url: '' }],
    ['K2', { url: new URL('redis://cache:6379') }],
    ['K2', { cluster: [] }],
    ['K2', { cluster: ['redis://cache:6379', 6379] }],
    ['K2', { client: 'redis://cache:6379' }],
    ['K2', { keyPrefix: '' }],
    ['K2', { keyPrefix: 'a{b}:' }],
    ['K2', { now: 5 }],
  ])('%s are refused with an impossible value: %o', (_number, options) => {
    const [name = ''] = Object.keys(options);
    expect(() => redisStore(options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: expect.stringContaining(`"${name}"`),
      }),
    );
  });
});

describeRedis('the prefix of the keys', () => {
  afterEach(() => {
    delete process.env.GATECAST_KEY_PREFIX;
  });

  it.each([
    ['chat-prod:', 'chat-prod:c:{a=}'],
    ['', 'gatecast:c:{a=}'],
    [undefined, 'gatecast:c:{a=}'],
  ])('C2 is GATECAST_KEY_PREFIX=%s, read at the first call', async (prefix, key) => {
    await using server = await RedisServer.start();
    await using store = redisStore({ url: server.url });
    if (prefix !== undefined) process.env.GATECAST_KEY_PREFIX = prefix;
    await store.connections.connect(recordOf('a='), []);
    process.env.GATECAST_KEY_PREFIX = 'later:';
    await store.connections.connect(recordOf('a='), []);
    expect(await server.admin.keys('*')).toEqual([key]);
  });

  it('K2 must not contain braces, which decide the slots of a cluster', async () => {
    process.env.GATECAST_KEY_PREFIX = 'chat{prod:';
    await using store = redisStore({ url: 'redis://127.0.0.1:6379' });
    expect(await failureOf(store.connections.get('a='))).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining('GATECAST_KEY_PREFIX is "chat{prod:"'),
    });
  });
});

describeRedis('redisStore() with the option cluster', () => {
  it('asks for the option url if the server is not a node of a cluster', async () => {
    await using server = await RedisServer.start();
    await using store = openStore({ cluster: server.url });
    expect(await failureOf(store.connections.get('a='))).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining('The server is not a node of a cluster.'),
      hint: 'Pass its URL as redisStore({ url }) instead of redisStore({ cluster }).',
    });
  });
});
