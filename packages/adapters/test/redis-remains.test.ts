// What calls leave behind that were cut off, and what a server refuses in passing.
import { EventEmitter, once } from 'node:events';
import type { ConnectionStore } from '@gatecast/framework';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
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

describeRedis('redisStore()', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('does not lose a subscription whose first answer was lost to an unsubscribe', async () => {
    await using proxy = await RedisProxy.start(server.port);
    await using store = openStore({ url: proxy.url, commandTimeoutMs: 300 });
    const { connections } = store;
    await connections.connect(recordOf('a='), []);
    // The scripts are known from now on, so that the first attempt is one command.
    await subscribe(connections, 'a=', 'before');
    const unsubscribing = new EventEmitter();
    const isSweeping = once(unsubscribing, 'sweep');
    const mayGoOn = once(unsubscribing, 'go on');
    const slow = interceptCommands(server.admin, async (send, command) => {
      if (command === 'zrem' && unsubscribing.emit('sweep')) await mayGoOn;
      return send();
    });
    await using other = openStore({ client: slow, keyPrefix: store.keyPrefix });

    proxy.mute();
    const subscribed = subscribe(connections, 'a=', 'x');
    while (!(await other.connections.channels('a=')).includes('x'));
    const unsubscribed = unsubscribe(other.connections, 'a=', 'x');
    await isSweeping;
    expect(await subscribed).toBe('subscribed');
    unsubscribing.emit('go on');
    expect(await unsubscribed).toBe(true);

    expect(await connections.channels('a=')).toContain('x');
    expect(await everySubscriber(connections, 'x')).toEqual(['a=']);
  });

  it.each<[string, (connections: ConnectionStore) => Promise<unknown>]>([
    ['an unsubscribe', (connections) => unsubscribe(connections, 'a=', 'x')],
    ['a subscribe', (connections) => subscribe(connections, 'a=', 'x')],
  ])('clears with %s what a subscribe left that died while it was ended', async (_, clear) => {
    await using store = openStore({ url: server.url });
    await store.connections.connect(recordOf('a='), []);
    const dying = interceptCommands(server.admin, async (send, command) => {
      if (command === 'hmget') throw new Error('killed');
      const held = await send();
      if (typeof held === 'string') await unsubscribe(store.connections, 'a=', 'x');
      return held;
    });
    await using died = openStore({ client: dying, keyPrefix: store.keyPrefix });
    await failureOf(subscribe(died.connections, 'a=', 'x'));
    expect(await store.connections.channels('a=')).toEqual([]);
    expect(await everySubscriber(store.connections, 'x')).toEqual(['a=']);

    await clear(store.connections);
    const subscribers = await everySubscriber(store.connections, 'x');
    expect(subscribers).toEqual([...(await store.connections.channels('a='))].map(() => 'a='));
  });

  it('reads a channel although the server refuses to have it cleaned', async () => {
    await using strict = await RedisServer.start();
    let now = Date.now();
    await using store = openStore({ url: strict.url, now: () => now });
    const { connections } = store;
    await connections.connect(recordOf('old=', { expiresAt: now + 1_000 }), ['x']);
    await connections.connect(recordOf('young='), ['x']);
    await strict.admin.config('SET', 'min-replicas-to-write', '1');
    now += 2_000;
    expect(await everySubscriber(connections, 'x')).toEqual(['young=']);
    expect((await failureOf(connections.connect(recordOf('b='), []))).message).toContain(
      'NOREPLICAS',
    );
  });

  it('does not fill a channel that nobody reads with connections whose end it was not told', async () => {
    let now = Date.now();
    await using store = openStore({ url: server.url, now: () => now });
    for (let index = 0; index < 200; index += 1) {
      const expiresAt = now + 1_000;
      await store.connections.connect(recordOf(`a${index}=`, { expiresAt }), ['quiet']);
      now += 2_000;
    }
    expect(await server.admin.zcard(`${store.keyPrefix}s:{quiet}`)).toBeLessThan(20);
  });

  it('is at its end once it was disposed of, also for a call that is under way', async () => {
    await using proxy = await RedisProxy.start(server.port, { delayMs: 50 });
    const store = openStore({ url: proxy.url });
    await store.connections.get('a=');
    const underWay = store.connections.get('a=');
    await store[Symbol.asyncDispose]();
    expect((await failureOf(underWay)).message).toContain('was disposed of');
    expect((await failureOf(store.connections.get('a='))).retryable).toBe(false);
    expect(proxy.accepted).toBe(1);
  });

  it('uses the database that the URL numbers, and no other when the server refuses it', async () => {
    await using own = await RedisServer.start();
    await using third = openStore({ url: `${own.url}/3` });
    await third.connections.connect(recordOf('a='), ['x']);
    expect(await third.keys(own.admin)).toEqual([]);
    await own.admin.select(3);
    expect(await third.keys(own.admin)).toEqual(['c:{a=}', 's:{x}']);

    await using beyond = openStore({ url: `${own.url}/99` });
    const error = await failureOf(beyond.connections.connect(recordOf('a='), []));
    expect(error).toMatchObject({
      retryable: false,
      message: expect.stringContaining('no database of this number'),
    });
    const rules = ['on', '>pw', '~*', '+@hash', '+@sortedset', '+@scripting', '+pexpire', '+pttl'];
    await own.admin.acl('SETUSER', 'ann', ...rules);
    await using ann = openStore({ url: `redis://ann:pw@127.0.0.1:${own.port}/3` });
    expect((await failureOf(ann.connections.get('a='))).hint).toContain('+select for a database');
    await own.admin.acl('SETUSER', 'ann', '+select');
    await using allowed = openStore({ url: `redis://ann:pw@127.0.0.1:${own.port}/3` });
    await expect(allowed.connections.connect(recordOf('a='), ['x'])).resolves.toBeUndefined();
  });

  it('shows no argument of a command that the server does not know', async () => {
    await using foreign = await RedisServer.start('--rename-command', 'AUTH', 'LOGIN');
    await using store = openStore({ url: `redis://ann:TopSecret@127.0.0.1:${foreign.port}` });
    const error = await failureOf(store.connections.get('a='));
    expect(error.retryable).toBe(false);
    expect(JSON.stringify(error)).not.toContain('TopSecret');
  });
});
