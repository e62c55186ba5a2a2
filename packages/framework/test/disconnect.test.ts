import { type ConnectionStore, defineChannel, memoryStore, StoreError } from '@gatecast/framework';
import {
  createTestApp,
  makeDisconnectEvent,
  type TestAppSettings,
} from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';
import { listen } from './heard.js';

const failure = StoreError.of({ store: 'any', operation: 'read', reason: 'It is throttled.' });

function makeRooms(settings: TestAppSettings = {}) {
  const log: string[] = [];
  const ear = listen();
  const rooms = defineChannel('rooms/:roomId', {
    access: 'public',
    onUnsubscribe: ({ channel, connection, cause }) => {
      log.push(`${connection.userId} left ${channel.name}: ${cause}`);
    },
    onDisconnect: ({ connection, channels }) => {
      log.push(`${connection.userId} ended ${channels.toSorted().join()}`);
    },
  });
  const app = createTestApp({
    channels: [rooms],
    authorizer: () => ({ userId: 'ann', claims: { role: 'member' } }),
    ...settings,
    plugins: [ear.plugin, ...(settings.plugins ?? [])],
  });
  return { app, log, ear };
}
const expectedLog = ['ann left rooms/1: disconnect', 'ann left rooms/2: disconnect'];

describe.each([
  ['deployed', true],
  ['in $connect', false],
])('B6 with an authorizer %s', (_how, isAuthorizerDeployed) => {
  const methods: (keyof ConnectionStore)[] = [
    'get',
    'channels',
    'subscribers',
    'unsubscribe',
    'prune',
  ];

  it.each(methods)(
    'B6 a $disconnect only calls the store to remove the connection: %s',
    async (method) => {
      const store = memoryStore();
      const { app, log, ear } = makeRooms({ store, isAuthorizerDeployed });
      const ann = await app.connect();
      await ann.subscribe('rooms/1', 'rooms/2');
      vi.spyOn(store.connections, method as 'get').mockRejectedValue(failure);
      await ann.disconnect();
      expect(log).toEqual([...expectedLog, 'ann ended rooms/1,rooms/2']);
      expect(ear.errors).toEqual([]);
    },
  );

  it('B6 a removal that fails is reported', async () => {
    const store = memoryStore();
    const { app, log, ear } = makeRooms({ store, isAuthorizerDeployed });
    const ann = await app.connect();
    vi.spyOn(store.connections, 'disconnect').mockRejectedValue(failure);
    await ann.disconnect();
    expect(log).toEqual([]);
    expect(ear.errors).toEqual([failure]);
  });
});

describe('B11 a $disconnect', () => {
  it('B11 that arrives twice is handled once, concurrently or one after the other', async () => {
    for (const isAtOnce of [true, false]) {
      const onDisconnect = vi.fn((_ctx: unknown, next: () => Promise<void>) => next());
      const { app, log } = makeRooms({ plugins: [{ name: 'count', onDisconnect }] });
      const ann = await app.connect();
      await ann.subscribe('rooms/1', 'rooms/2');
      const end = () => app.app.handler(makeDisconnectEvent({ connectionId: ann.id }));
      if (isAtOnce) await Promise.all([end(), end(), end()]);
      else for (let n = 0; n < 3; n += 1) await end();
      expect(log).toEqual([...expectedLog, 'ann ended rooms/1,rooms/2']);
      expect(onDisconnect).toHaveBeenCalledTimes(1);
    }
  });

  it('B11 of a connection that was never opened runs no handlers', async () => {
    const { app, log, ear } = makeRooms();
    expect(await app.app.handler(makeDisconnectEvent())).toMatchObject({ statusCode: 200 });
    expect(log).toEqual([]);
    expect(ear.errors).toEqual([]);
  });

  it.each([5_000, 29_000, 600_000])(
    'B11 lets the store use all of the time: %i ms',
    async (leftMs) => {
      const store = memoryStore();
      const { app } = makeRooms({ store });
      const ann = await app.connect();
      const disconnect = vi.spyOn(store.connections, 'disconnect');
      const before = Date.now();
      const context = { awsRequestId: '1', getRemainingTimeInMillis: () => leftMs };
      await app.app.handler(makeDisconnectEvent({ connectionId: ann.id }), context);
      const endsAt = disconnect.mock.calls[0]?.[1]?.endsAt ?? 0;
      // All but the last half second, which is reserved for the answer.
      expect(endsAt).toBeGreaterThanOrEqual(before + leftMs - 500);
      expect(endsAt).toBeLessThanOrEqual(Date.now() + leftMs - 500);
    },
  );

  it('B11 runs every handler even if one fails or a plugin does', async () => {
    const log: string[] = [];
    const fail = () => {
      throw new Error('No.');
    };
    const channel = (name: string, isBroken: boolean) =>
      defineChannel(name, {
        onUnsubscribe: isBroken ? fail : () => void log.push(`left ${name}`),
        onDisconnect: isBroken ? fail : () => void log.push(`ended ${name}`),
      });
    const ear = listen();
    const app = createTestApp({
      channels: [channel('a', false), channel('b', true), channel('c', false)],
      plugins: [
        ear.plugin,
        {
          name: 'late',
          async onDisconnect(_ctx, next) {
            await next();
            throw new Error('Too late.');
          },
        },
      ],
    });
    const ann = await app.connect();
    await ann.subscribe('a', 'b', 'c');
    await ann.disconnect();
    expect(log.toSorted()).toEqual(['ended a', 'ended c', 'left a', 'left c']);
    expect(ear.codes()).toEqual(['Error: No.', 'Error: No.', 'Error: Too late.']);
  });
});
