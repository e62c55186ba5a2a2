// What interrupted calls leave behind, and requests that a server refuses temporarily.
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
import { RedisProxy } from './engines/redis-proxy.js';
import { describeRedis, isIoredis5, RedisServer } from './engines/redis-server.js';
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
    // The scripts are loaded now, so that the first attempt is one command.
    await subscribe(connections, 'a=', 'before');
    const unsubscribing = new EventEmitter();
    const isSweeping = once(unsubscribing, 'sweep');
    const mayGoOn = once(unsubscribing, 'go on');
    const slow = interceptCommands(server.admin, async (send, command) => {
      if (command === 'remove' && unsubscribing.emit('sweep')) await mayGoOn;
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

  it('does not fill a channel without readers with connections that ended without a $disconnect', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    await connections.connect(recordOf('live='), ['quiet']);
    for (let index = 0; index < 200; index += 1) {
      await connections.connect(recordOf(`a${index}=`, { expiresAt: Date.now() + 1 }), ['quiet']);
    }
    expect(await server.admin.zcard(`${store.keyPrefix}s:{quiet}`)).toBeLessThan(100);
    await expect.poll(() => everySubscriber(connections, 'quiet')).toEqual(['live=']);
  });

  it('C8 keeps the row of a pruned connection no longer than until its expiry or its disconnect', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    const [row, livesMs] = [`${store.keyPrefix}c:{gone=}`, 100_000];
    await connections.connect(recordOf('gone=', { expiresAt: Date.now() + livesMs }), ['left']);
    await connections.prune(['gone=']);
    expect(await store.keys(server.admin)).toEqual(['c:{gone=}']);
    expect(Object.keys(await server.admin.hgetall(row))).toEqual(['pruned']);
    const leftMs = await server.admin.pttl(row);
    expect(leftMs).toBeGreaterThan(livesMs / 2);
    expect(leftMs).toBeLessThanOrEqual(livesMs);
    expect((await connections.disconnect('gone='))?.channels).toEqual(['left']);
    expect(await server.admin.pttl(row)).toBeLessThanOrEqual(10_000);
  });

  it('refuses calls once it was disposed, also those that are running', async () => {
    await using proxy = await RedisProxy.start(server.port, { delayMs: 50 });
    const store = openStore({ url: proxy.url });
    await store.connections.get('a=');
    const underWay = store.connections.get('a=');
    await store[Symbol.asyncDispose]();
    expect((await failureOf(underWay)).message).toContain('was disposed');
    expect((await failureOf(store.connections.get('a='))).retryable).toBe(false);
    expect(proxy.accepted).toBe(1);
  });

  it('uses the database of the URL, and no other if the server refuses it', async () => {
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
    const rules = '+@hash +@sortedset +@scripting +set +exists +pexpire +pttl +time'.split(' ');
    await own.admin.acl('SETUSER', 'ann', 'on', '>pw', '~*', ...rules);
    await using ann = openStore({ url: `redis://ann:pw@127.0.0.1:${own.port}/3` });
    expect((await failureOf(ann.connections.get('a='))).hint).toContain('+select for a database');
    await own.admin.acl('SETUSER', 'ann', '+select');
    await using allowed = openStore({ url: `redis://ann:pw@127.0.0.1:${own.port}/3` });
    await expect(allowed.connections.connect(recordOf('a='), ['x'])).resolves.toBeUndefined();
  });

  // With ioredis 5 the following commands work all the same.
  it.skipIf(isIoredis5)(
    'does not show the arguments of a command that the server does not know',
    async () => {
      await using foreign = await RedisServer.start('--rename-command', 'AUTH', 'LOGIN');
      await using store = openStore({ url: `redis://ann:TopSecret@127.0.0.1:${foreign.port}` });
      const error = await failureOf(store.connections.get('a='));
      expect(error.retryable).toBe(false);
      expect(JSON.stringify(error)).not.toContain('TopSecret');
    },
  );
});
