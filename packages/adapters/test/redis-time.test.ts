// How long a call may take, and what still runs after it has failed.
import type { ConnectionStore } from '@gatecast/framework';
import { pause, type TimeLimit } from '@gatecast/framework/adapter';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Around, interceptCommands } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { failureOf, LIMITS, openStore, recordOf } from './redis-records.js';

type Method = (connections: ConnectionStore, limit: TimeLimit) => Promise<unknown>;

const methods: Record<string, Method> = {
  connect: (connections, limit) => connections.connect(recordOf('a='), ['x'], limit),
  get: (connections, limit) => connections.get('a=', limit),
  disconnect: (connections, limit) => connections.disconnect('a=', limit),
  subscribe: (connections, limit) => connections.subscribe('a=', ['x'], LIMITS, limit),
  'subscribe to nothing': (connections, limit) => connections.subscribe('a=', [], LIMITS, limit),
  unsubscribe: (connections, limit) => connections.unsubscribe('a=', ['x'], limit),
  subscribers: (connections, limit) => connections.subscribers('x', {}, limit),
  channels: (connections, limit) => connections.channels('a=', limit),
  prune: (connections, limit) => connections.prune(['a='], limit),
  'prune nobody': (connections, limit) => connections.prune([], limit),
};

describeRedis('redisStore(), within a time limit', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** A store with a client that records its commands. */
  function watch(around: Around = (send) => send()) {
    const sent: string[] = [];
    const client = interceptCommands(server.admin, (send, command) => {
      sent.push(command);
      return around(send, command);
    });
    return { ...openStore({ client }), sent };
  }

  it('lets any number of commands listen to one signal without a warning', async () => {
    const { connections } = watch();
    const names = Array.from({ length: 30 }, (_, index) => `${index}`);
    const warned = vi.fn<(warning: Error) => void>();
    process.on('warning', warned);
    const { signal } = new AbortController();
    await connections.connect(recordOf('a='), names, { signal });
    await connections.prune([...names, 'a='], { signal });
    // Warnings are emitted in a later turn.
    await pause(10);
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });

  describe.each(Object.entries(methods))('%s', (_name, run) => {
    it('E2 sends nothing after the end of the time limit', async () => {
      const { connections, sent } = watch();
      expect(await failureOf(run(connections, { endsAt: Date.now() }))).toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        message: expect.stringContaining(': it ran out of time.'),
      });
      expect(sent).toEqual([]);
    });

    it('E2 sends nothing after the signal was aborted, and rejects with its reason', async () => {
      const { connections, sent } = watch();
      const reason = new Error('no longer wanted');
      const signal = AbortSignal.abort(reason);
      await expect(run(connections, { signal })).rejects.toBe(reason);
      expect(sent).toEqual([]);
    });
  });

  const waiting = Object.entries(methods).filter(([name]) => !/nothing|nobody/.test(name));

  it.each(waiting)(
    'E2 ends %s at its time limit if the server does not answer',
    async (_name, run) => {
      await using silent = await RedisServer.start();
      await using store = openStore({ url: silent.url, commandTimeoutMs: 60_000 });
      await store.connections.get('a=');
      silent.freeze(true);
      await using other = openStore({ url: silent.url, commandTimeoutMs: 60_000 });
      const before = Date.now();
      const limit = { endsAt: before + 200 };
      const failures = [run(store.connections, limit), run(other.connections, limit)].map(
        failureOf,
      );
      for (const { retryable } of await Promise.all(failures)) expect(retryable).toBe(true);
      expect(Date.now() - before).toBeLessThan(30_000);
    },
  );

  it.each(waiting)('E2 ends %s if the signal is aborted while it waits', async (_name, run) => {
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    const { connections, sent } = watch(() => {
      controller.abort(reason);
      return new Promise<never>(() => {});
    });
    await expect(run(connections, { signal: controller.signal })).rejects.toBe(reason);
    expect(sent).toHaveLength(1);
  });

  it('E2 keeps the connection if only a call runs out of time', async () => {
    await using slow = await RedisServer.start();
    await using store = openStore({ url: slow.url, commandTimeoutMs: 60_000 });
    await store.connections.get('a=');
    slow.freeze(true);
    const error = await failureOf(store.connections.get('a=', { endsAt: Date.now() + 50 }));
    expect(error.message).toContain('it ran out of time');
    slow.freeze(false);
    expect(await store.connections.get('a=')).toBeUndefined();
    const info = await slow.admin.info('stats');
    // One connection of the store and one of the test.
    expect(/total_connections_received:(\d+)/.exec(info)?.[1]).toBe('2');
  });

  it('E2 ends a prune of many connections halfway', async () => {
    const { connections, sent } = watch(async (send) => {
      await pause(50);
      return send();
    });
    const ids = Array.from({ length: 20_000 }, (_, index) => `c${index}=`);
    await failureOf(connections.prune(ids, { endsAt: Date.now() + 300 }));
    const count = sent.length;
    expect(count).toBeLessThan(ids.length);
    await pause(200);
    expect(sent).toHaveLength(count);
  });

  it('E2 sends no more commands after one of a call has failed', async () => {
    const { connections, sent } = watch(async (send, command) => {
      if (command === 'retire') throw new Error('Connection is closed.');
      return send();
    });
    const ids = Array.from({ length: 1_000 }, (_, index) => `c${index}=`);
    await failureOf(connections.prune(ids));
    expect(sent).toHaveLength(100);
  });

  it('E6 selects its database at the next call after the server has refused it', async () => {
    await using own = await RedisServer.start();
    await own.admin.acl('SETUSER', 'ann', 'on', '>pw', '~*', '+@all', '-select');
    await using store = openStore({ url: `redis://ann:pw@127.0.0.1:${own.port}/2` });
    for (let call = 0; call < 2; call += 1) {
      expect((await failureOf(store.connections.get('a='))).message).toContain('NOPERM');
    }
    await own.admin.acl('SETUSER', 'ann', '+select');
    expect(await store.connections.get('a=')).toBeUndefined();
  });

  it('E6 works after the server was busy at the first call', async () => {
    await using own = await RedisServer.start('--lua-time-limit', '20');
    await using store = openStore({ url: `${own.url}/2` });
    const endless = own.admin.duplicate({ retryStrategy: () => null });
    await Promise.all([own.admin.ping(), endless.ping()]);
    endless.eval('while true do end', 0).catch(() => {});
    let said: string;
    do {
      said = await own.admin.ping().catch((error: unknown) => String(error));
    } while (!said.includes('BUSY'));
    expect((await failureOf(store.connections.get('a='))).message).toContain('(BUSY)');
    await own.admin.script('KILL');
    endless.disconnect();
    await expect.poll(() => store.connections.get('a=').catch(() => null)).toBeUndefined();
  });
});
