import {
  type ChannelType,
  type ClientError,
  defineChannel,
  memoryStore,
} from '@gatecast/framework';
import { createTestApp, type TestAppSettings } from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';
import { makeError } from '../src/errors/gatecast-error.js';
import { listen } from './heard.js';

/** Rooms in which `root` may remove others. */
function makeRooms(settings: TestAppSettings = {}) {
  const log: unknown[] = [];
  const ear = listen();
  let banned = '';
  const rooms = defineChannel('rooms/:roomId', {
    access: ({ connection }) => connection.userId !== banned,
    onUnsubscribe: ({ channel, cause, connection: { id, userId, claims }, event, route }) => {
      log.push({ name: channel.name, cause, id, userId, claims, event: event?.body, route });
    },
    onDisconnect: ({ connection, code, channels }) => {
      log.push({ ended: connection.userId, code, channels });
    },
    messages: ({ message }) => ({
      remove: message((id, { app }) => app.connection(id as string).unsubscribe('rooms/1')),
      end: message((id, { app }) => app.connection(id as string).disconnect()),
    }),
  });
  const app = createTestApp({
    channels: [rooms],
    authorizer: ({ token }) => ({
      ...(token !== undefined && { userId: token }),
      claims: { a: 1 },
    }),
    plugins: [ear.plugin],
    ...settings,
  });
  const publish = () => app.app.channel<ChannelType>('rooms/1').publish('x', {});
  const ban = (userId: string) => {
    banned = userId;
  };
  return { app, ear, log, publish, ban };
}

describe.each([
  ['deployed', true],
  ['in $connect', false],
])('A7 with an authorizer %s, a subscription', (_how, isAuthorizerDeployed) => {
  // The claims in the record of a connection.
  const claims = isAuthorizerDeployed ? {} : { a: 1 };

  it('A7 can be ended from outside of any event', async () => {
    const { app, log, publish, ear } = makeRooms({ isAuthorizerDeployed });
    const [ann, bob] = [await app.connect({ token: 'ann' }), await app.connect({ token: 'bob' })];
    await ann.subscribe('rooms/1', 'rooms/2');
    await bob.subscribe('rooms/1');
    expect(await app.app.connection(ann.id).unsubscribe('rooms/1', 'You were rude.')).toBe(true);
    expect(ann.received.at(-1)).toEqual({
      type: 'unsubscribed',
      channel: 'rooms/1',
      code: 'ERR_REMOVED',
      reason: 'You were rude.',
    });
    expect(log).toEqual([
      {
        name: 'rooms/1',
        cause: 'server',
        id: ann.id,
        userId: 'ann',
        claims,
        event: undefined,
        route: 'publish',
      },
    ]);
    await publish();
    expect(ann.events).toEqual([]);
    expect(bob.events).toHaveLength(1);
    expect(await app.store.connections.channels(ann.id)).toEqual(['rooms/2']);
    expect(ear.errors).toEqual([]);
  });

  it('A7 can be ended by the handler of another connection, and by its own', async () => {
    const { app, log, publish } = makeRooms({ isAuthorizerDeployed });
    const [ann, root] = [await app.connect({ token: 'ann' }), await app.connect({ token: 'root' })];
    await ann.subscribe('rooms/1');
    await root.subscribe('rooms/1');
    expect(await root.send('rooms.remove', 'rooms/1', ann.id)).toMatchObject({ data: true });
    expect(await root.send('rooms.remove', 'rooms/1', root.id)).toMatchObject({ data: true });
    expect((await publish()).delivery).toEqual({ delivered: 0, gone: 0, failed: 0 });
    expect(log).toMatchObject([
      { cause: 'server', userId: 'ann' },
      { cause: 'server', userId: 'root' },
    ]);
  });
});

describe('A7 a subscription', () => {
  it('A7 can only be renewed if the rule allows it', async () => {
    const { app, publish, ban } = makeRooms();
    const ann = await app.connect({ token: 'ann' });
    await ann.subscribe('rooms/1');
    ban('ann');
    // The rule is not asked for each delivery.
    await publish();
    expect(ann.events).toHaveLength(1);
    await app.app.connection(ann.id).unsubscribe('rooms/1');
    expect(await ann.subscribe('rooms/1')).toMatchObject([{ error: { code: 'ERR_FORBIDDEN' } }]);
    await publish();
    expect(ann.events).toHaveLength(1);
  });

  it('A7 that does not exist is reported as such, and nobody is told', async () => {
    const { app, log } = makeRooms();
    const ann = await app.connect({ token: 'ann' });
    expect(await app.app.connection(ann.id).unsubscribe('rooms/1')).toBe(false);
    expect(await app.app.connection('nobody').unsubscribe('rooms/1')).toBe(false);
    await ann.subscribe('rooms/1');
    expect(await app.app.connection(ann.id).unsubscribe('rooms/1')).toBe(true);
    expect(await app.app.connection(ann.id).unsubscribe('rooms/1')).toBe(false);
    expect(log).toHaveLength(1);
    expect(ann.received.filter(({ type }) => type === 'unsubscribed')).toHaveLength(1);
  });

  it.each(['', 'rooms/', 'rooms/#', 7, undefined])(
    'A7 without a legal name is a mistake: %j',
    async (name) => {
      const { app } = makeRooms();
      const ann = await app.connect();
      await expect(app.app.connection(ann.id).unsubscribe(name as string)).rejects.toMatchObject({
        code: 'ERR_PUBLISH_CHANNEL',
      });
    },
  );

  it.each(['gone', 'throttled', 'failed', 'lost'] as const)(
    'A7 ends even if its client cannot be told: %s',
    async (fault) => {
      const { app, log, publish } = makeRooms();
      const ann = await app.connect({ token: 'ann' });
      await ann.subscribe('rooms/1');
      let posts = 0;
      app.gateway.faults = ({ frame }) => {
        posts += 1;
        return frame.includes('unsubscribed') && posts < 3 ? fault : undefined;
      };
      expect(await app.app.connection(ann.id).unsubscribe('rooms/1')).toBe(true);
      app.gateway.faults = () => undefined;
      expect(log).toMatchObject([{ cause: 'server' }]);
      expect((await publish()).delivery.delivered).toBe(0);
    },
  );

  it('A7 ends even if its identity cannot be read', async () => {
    const { app, log } = makeRooms({ isAuthorizerDeployed: false });
    const ann = await app.connect({ token: 'ann' });
    await ann.subscribe('rooms/1');
    const record = await app.store.connections.get(ann.id);
    await app.store.connections.connect({ ...record, identity: '{' } as never, []);
    expect(await app.app.connection(ann.id).unsubscribe('rooms/1')).toBe(true);
    expect(log).toMatchObject([{ cause: 'server', userId: 'ann', claims: {} }]);
  });

  it('A7 is not reported as ended if the store cannot end it', async () => {
    const store = memoryStore();
    const { app, log } = makeRooms({ store });
    const ann = await app.connect({ token: 'ann' });
    await ann.subscribe('rooms/1');
    const failure = new Error('The store is down.');
    vi.spyOn(store.connections, 'unsubscribe').mockRejectedValue(failure);
    await expect(app.app.connection(ann.id).unsubscribe('rooms/1')).rejects.toBe(failure);
    expect(log).toEqual([]);
    expect(ann.received.filter(({ type }) => type === 'unsubscribed')).toEqual([]);
  });

  it('A7 ends even if its handler or a plugin fails', async () => {
    const ear = listen();
    const rooms = defineChannel('rooms/:roomId', {
      onUnsubscribe: () => {
        throw new Error('No.');
      },
    });
    const app = createTestApp({ channels: [rooms], plugins: [ear.plugin] });
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    expect(await app.app.connection(ann.id).unsubscribe('rooms/1')).toBe(true);
    expect(ann.received.at(-1)).toMatchObject({ type: 'unsubscribed' });
    expect(ear.codes()).toEqual(['Error: No.']);
  });
});

describe('A7 a connection', () => {
  it('A7 can be ended, with its handlers', async () => {
    const { app, log, publish } = makeRooms();
    const ann = await app.connect({ token: 'ann' });
    await ann.subscribe('rooms/1');
    const connection = app.app.connection(ann.id);
    expect(await connection.disconnect({ reason: 'Banned.' })).toBe(true);
    expect(ann.bye).toEqual({
      type: 'bye',
      code: 'ERR_DISCONNECTED',
      reason: 'Banned.',
      reconnect: false,
    });
    expect(ann.isOpen).toBe(false);
    expect(log).toMatchObject([
      { name: 'rooms/1', cause: 'disconnect', userId: 'ann' },
      { ended: 'ann', code: 1000, channels: ['rooms/1'] },
    ]);
    expect((await publish()).delivery).toEqual({ delivered: 0, gone: 0, failed: 0 });
    expect(await connection.disconnect()).toBe(false);
    expect(await app.app.connection('nobody').disconnect()).toBe(false);
  });

  it('says that a connection was open whose client closed it as soon as it was told', async () => {
    const { app } = makeRooms();
    const ann = await app.connect({ token: 'ann' });
    app.gateway.faults = () => {
      // Like a client that closes before API Gateway gets the request to close.
      queueMicrotask(() => app.gateway.peers.delete(ann.id));
      return undefined;
    };
    expect(await app.app.connection(ann.id).disconnect()).toBe(true);
  });

  it('A7 can be asked to reconnect', async () => {
    const { app } = makeRooms();
    const [ann, root] = [await app.connect({ token: 'ann' }), await app.connect({ token: 'root' })];
    await app.app.connection(ann.id).disconnect({ reconnect: true });
    expect(ann.bye).toMatchObject({ reconnect: true });
    const bob = await app.connect({ token: 'bob' });
    expect(await root.send('rooms.end', 'rooms/1', bob.id)).toMatchObject({ data: true });
    expect(bob.isOpen).toBe(false);
  });

  it('A7 is not reported as ended if it cannot be closed', async () => {
    const { app } = makeRooms();
    const ann = await app.connect({ token: 'ann' });
    const error = makeError('ERR_DELIVERY_FORBIDDEN', { endpoint: 'here', reason: 'No.' });
    vi.spyOn(app.gateway, 'disconnect').mockResolvedValue({ result: 'refused', error } as never);
    await expect(app.app.connection(ann.id).disconnect()).rejects.toBe(error);
  });

  it('A7 cannot be ended by its own connect handler, but another can', async () => {
    let victim = '';
    const found: unknown[] = [];
    const rooms = defineChannel('rooms/:roomId', {
      onConnect: async ({ app, connection }) => {
        const target = app.connection(victim === '' ? connection.id : victim);
        for (const ending of [target.unsubscribe('rooms/1'), target.disconnect()]) {
          found.push(await ending.catch((error: ClientError) => error.code));
        }
      },
    });
    const app = createTestApp({ channels: [rooms], plugins: [listen().plugin] });
    const ann = await app.connect();
    expect(found).toEqual(['ERR_SEND_IN_CONNECT', 'ERR_SEND_IN_CONNECT']);
    await ann.subscribe('rooms/1');
    victim = ann.id;
    await app.connect();
    expect(found.slice(2)).toEqual([true, true]);
  });

  it('A7 refuses unknown options', async () => {
    const { app } = makeRooms();
    const connection = app.app.connection('x');
    for (const options of [{ reconect: true }, { reconnect: 'yes' }, { reason: 7 }, 'bye']) {
      await expect(connection.disconnect(options as never)).rejects.toMatchObject({
        name: 'ConfigurationError',
      });
    }
  });
});
