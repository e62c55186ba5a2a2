import {
  type AccessContext,
  type Authorizer,
  Channel,
  ClientError,
  type MessageContext,
  OnMessage,
} from '@gatecast/framework';
import {
  createTestApp,
  makeConnectEvent,
  makeConnectionId,
  makeMessageEvent,
} from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';

const LIFETIME_MS = 60_000;
const authorizer: Authorizer = ({ token }) => {
  if (token === 'guest') return {};
  if (token === 'banned') throw new ClientError('ERR_FORBIDDEN', 'Not you.');
  if (token === 'broken') throw new Error('The user database is down.');
  if (token === undefined || token === 'wrong') {
    throw new ClientError('ERR_UNAUTHORIZED', 'Who are you?');
  }
  return { userId: token, claims: { team: 'red' } };
};
@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage()
  who(_: unknown, { connection: { userId, claims } }: MessageContext) {
    return { userId, claims };
  }
}

@Channel('lobby', { access: 'public' })
class LobbyChannel {
  @OnMessage()
  wave() {
    return 'waved';
  }
}

const isOwner = vi.fn(
  ({ connection, params }: AccessContext<'inbox/:userId'>) => connection.userId === params.userId,
);
@Channel('inbox/:userId', { access: isOwner })
class InboxChannel {
  @OnMessage()
  read() {
    return 'mail';
  }
}

// A rule that forgets to return a value, which JavaScript allows.
const forgetful = (() => undefined) as () => never;
@Channel('forgotten', { access: forgetful })
class ForgottenChannel {
  @OnMessage()
  read() {
    return 'secret';
  }
}

@Channel('rooms/admin', { name: 'admin', access: ({ connection }) => connection.userId === 'root' })
class AdminChannel {
  @OnMessage()
  rule() {
    return 'ruled';
  }
}

const channels = [RoomChannel, LobbyChannel, InboxChannel, ForgottenChannel, AdminChannel] as const;
const forbidden = { code: 'ERR_FORBIDDEN', message: 'You may not use this channel.' };

describe('access', () => {
  it('is open by default in an app without an authorizer', async () => {
    const ann = await createTestApp({ channels }).connect();
    expect(await ann.subscribe('rooms/1')).toMatchObject([{ result: 'live' }]);
    expect(await ann.send('rooms.who', 'rooms/1')).toMatchObject({ data: { claims: {} } });
  });

  it('is for users by default in an app with an authorizer', async () => {
    const app = createTestApp({ channels, authorizer });
    const [ann, guest] = [
      await app.connect({ token: 'ann' }),
      await app.connect({ token: 'guest' }),
    ];
    expect(await ann.subscribe('rooms/1')).toMatchObject([{ result: 'live' }]);
    expect(await guest.subscribe('rooms/1', 'lobby')).toEqual([
      { channel: 'rooms/1', error: forbidden },
      { channel: 'lobby', result: 'live' },
    ]);
    expect(await guest.send('lobby.wave', 'lobby')).toMatchObject({ data: 'waved' });
  });

  it.each([
    ['a guest on a channel for users', 'guest', 'rooms.who', 'rooms/1'],
    ["another user's inbox", 'ann', 'inbox.read', 'inbox/bob'],
    ['a rule that returns nothing', 'ann', 'forgotten.read', 'forgotten'],
  ])('refuses subscribing and messages alike: %s', async (_what, token, action, channel) => {
    const ann = await createTestApp({ channels, authorizer }).connect({ token });
    expect(await ann.subscribe(channel)).toEqual([{ channel, error: forbidden }]);
    expect(await ann.send(action, channel)).toMatchObject({ type: 'error', error: forbidden });
  });

  it('asks the rule for each use, with the connection, the channel and the operation', async () => {
    isOwner.mockClear();
    const ann = await createTestApp({ channels, authorizer }).connect({ token: 'ann' });
    expect(await ann.subscribe('inbox/ann')).toMatchObject([{ result: 'live' }]);
    expect(await ann.send('inbox.read', 'inbox/ann')).toMatchObject({ data: 'mail' });
    const use = { params: { userId: 'ann' }, channel: 'inbox/ann' };
    const instance: unknown = expect.any(InboxChannel);
    expect(isOwner.mock.calls).toMatchObject([
      [{ ...use, operation: 'subscribe', connection: { id: ann.id, userId: 'ann' } }, instance],
      [{ ...use, operation: 'message' }, instance],
    ]);
  });

  it('asks the rule with the instance that handles the channel', async () => {
    class Tickets {
      constructor(readonly owners: ReadonlyMap<string, string>) {}
    }
    @Channel('tickets/:ticketId', { access: (ctx, channel: TicketChannel) => channel.mayUse(ctx) })
    class TicketChannel {
      constructor(private readonly tickets: Tickets) {}

      async mayUse({ connection, params }: AccessContext<'tickets/:ticketId'>) {
        return this.tickets.owners.get(params.ticketId) === (connection.userId ?? '?');
      }
      @OnMessage()
      read() {
        return this.tickets.owners.size;
      }
    }
    const resolve = vi.fn(
      // oxlint-disable-next-line typescript/no-explicit-any -- as `Resolve` has it.
      (type: new (...args: any[]) => any) => new type(new Tickets(new Map([['1', 'ann']]))),
    );
    const test = createTestApp({ channels: [TicketChannel], authorizer, resolve });
    expect(resolve).toHaveBeenCalledTimes(1);
    const [ann, bob] = [await test.connect({ token: 'ann' }), await test.connect({ token: 'bob' })];
    const channel = 'tickets/1';
    expect(await ann.subscribe(channel)).toMatchObject([{ result: 'live' }]);
    expect(await ann.send('tickets.read', channel)).toMatchObject({ data: 1 });
    expect(await bob.subscribe(channel)).toMatchObject([{ error: { code: 'ERR_FORBIDDEN' } }]);
    expect(await bob.send('tickets.read', channel)).toMatchObject({
      error: { code: 'ERR_FORBIDDEN' },
    });
    // Anybody else's class of the same channel has its own.
    const other = new TicketChannel(new Tickets(new Map([['1', 'bob']])));
    const ofBob = createTestApp({ channels: [other], authorizer });
    const there = await ofBob.connect({ token: 'bob' });
    expect(await there.subscribe(channel)).toMatchObject([{ result: 'live' }]);
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  it('of the more specific class cannot be bypassed by the route of another', async () => {
    const ann = await createTestApp({ channels, authorizer }).connect({ token: 'ann' });
    expect(await ann.send('rooms.who', 'rooms/admin')).toMatchObject({ error: forbidden });
    expect(await ann.send('admin.rule', 'rooms/1')).toMatchObject({
      error: { code: 'ERR_CHANNEL_UNKNOWN' },
    });
    expect(await ann.send('admin.rule', 'rooms/admin')).toMatchObject({ error: forbidden });
  });
});

describe.each([
  ['with a deployed authorizer', true],
  ['with the authorizer in $connect', false],
])('the handshake, %s', (_how, isAuthorizerDeployed) => {
  const origins = ['https://chat.example.com'];
  const makeApp = () => createTestApp({ channels, authorizer, isAuthorizerDeployed, origins });
  // An authorizer cannot choose another status than 401, 403 and 500.
  const refusedProtocol = isAuthorizerDeployed ? 403 : 400;

  it('identifies the user', async () => {
    const ann = await makeApp().connect({ token: 'ann' });
    expect(ann.headers).toEqual({ 'Sec-WebSocket-Protocol': 'gatecast.v1' });
    expect(await ann.send('rooms.who', 'rooms/1')).toMatchObject({
      data: { userId: 'ann', claims: { team: 'red' } },
    });
  });

  it.each([
    ['no token', {}, 401],
    ['a wrong token', { token: 'wrong' }, 401],
    ['a user who may not connect', { token: 'banned' }, 403],
    ['a foreign origin', { token: 'ann', headers: { Origin: 'https://evil.example.com' } }, 403],
    [
      'an unknown sub-protocol',
      { headers: { 'Sec-WebSocket-Protocol': 'graphql-ws', Authorization: 'Bearer ann' } },
      refusedProtocol,
    ],
    ['protocol=2', { token: 'ann', query: { protocol: '2' } }, refusedProtocol],
  ])('of %s is refused', async (_what, options, status) => {
    await expect(makeApp().connect(options)).rejects.toMatchObject({
      name: 'HandshakeError',
      status,
    });
  });

  it('is refused with 500, and logged, when the authorizer fails', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await expect(makeApp().connect({ token: 'broken' })).rejects.toMatchObject({ status: 500 });
    expect(String(log.mock.calls[0]?.[1])).toContain('The user database is down.');
    log.mockRestore();
  });

  it.each([
    ['no origin', { token: 'ann' }],
    ['an allowed origin', { token: 'ann', headers: { Origin: 'https://chat.example.com' } }],
    ['no sub-protocol', { query: { token: 'ann', protocol: '1' } }],
  ])('with %s is accepted', async (_what, options) => {
    const ann = await makeApp().connect(options);
    expect(await ann.send('rooms.who', 'rooms/1')).toMatchObject({ data: { userId: 'ann' } });
  });

  describe('gives an identity that expires', () => {
    const connect = async () => {
      let expiresAt = Infinity;
      const app = createTestApp({
        channels,
        authorizer: ({ token }) => ({ userId: token ?? 'nobody', expiresAt }),
        isAuthorizerDeployed,
      });
      expiresAt = app.clock.now() + LIFETIME_MS;
      const ann = await app.connect({ token: 'ann' });
      await ann.subscribe('rooms/1');
      return { app, ann };
    };
    const bye = {
      type: 'bye',
      code: 'ERR_UNAUTHORIZED',
      reason: 'The token has expired.',
      reconnect: true,
    };

    it('and the next frame ends the connection', async () => {
      const { app, ann } = await connect();
      app.clock.advance(LIFETIME_MS - 1);
      expect(await ann.send('rooms.who', 'rooms/1')).toMatchObject({ type: 'reply' });
      app.clock.advance(1);
      await expect(ann.send('rooms.who', 'rooms/1')).rejects.toThrow('The token has expired.');
      expect(ann.bye).toEqual(bye);
      expect(ann.isOpen).toBe(false);
    });

    it('and the next delivery ends the connection instead of reaching it', async () => {
      const { app, ann } = await connect();
      app.clock.advance(LIFETIME_MS);
      const { delivery } = await app.app.channel('rooms/1').publish('x', {});
      expect(delivery).toEqual({ delivered: 0, gone: 1, failed: 0 });
      expect(ann.events).toEqual([]);
      expect(ann.bye).toEqual(bye);
      expect(await app.store.connections.get(ann.id)).toBeUndefined();
    });
  });
});

describe('A13 a context of another authorizer', () => {
  const foreign = { principalId: 'root', userId: 'root', sub: 'root' };

  it('gives no access in an app with an authorizer', async () => {
    const { app } = createTestApp({ channels, authorizer });
    expect(await app.handler(makeConnectEvent({ authorizer: foreign }))).toEqual({
      statusCode: 401,
    });
    const garbled = { ...foreign, gatecast: '{"userId":7}' };
    expect(await app.handler(makeConnectEvent({ authorizer: garbled }))).toEqual({
      statusCode: 401,
    });
  });

  it.each([
    ['without the marker', foreign, 'ERR_CONNECTION_UNKNOWN'],
    ['with a marker that is not an identity', { ...foreign, gatecast: 'root' }, 'ERR_UNAUTHORIZED'],
  ])('does not make a connection a user or a guest, %s', async (_how, values, code) => {
    const { app, store } = createTestApp({ channels, authorizer });
    const connectionId = makeConnectionId();
    const details = {
      region: 'us-east-1',
      apiId: 'a',
      stage: 'dev',
      connectedAt: 0,
      expiresAt: 9e15,
    };
    await store.connections.connect({ connectionId, ...details }, []);
    for (const channel of ['rooms/admin', 'rooms/1']) {
      const body = JSON.stringify({ action: 'rooms.who', id: '1', channel });
      const event = makeMessageEvent({ connectionId, authorizer: values, body });
      expect(await app.handler(event)).toMatchObject({ body: expect.stringContaining(code) });
    }
  });
});

describe('autoSubscribe', () => {
  @Channel('news', { autoSubscribe: true, access: 'public' })
  class NewsChannel {}
  @Channel('users/:userId', { autoSubscribe: ({ userId }) => (userId ? { userId } : undefined) })
  class UserChannel {}
  @Channel('staff', {
    autoSubscribe: true,
    access: ({ connection }) => connection.userId === 'root',
  })
  class StaffChannel {}

  it.each([
    ['ann/b', ['news', 'users/ann%2Fb']],
    ['root', ['news', 'staff', 'users/root']],
    ['guest', ['news']],
  ])('subscribes %s to what it may use', async (token, expected) => {
    const app = createTestApp({ channels: [NewsChannel, UserChannel, StaffChannel], authorizer });
    const ann = await app.connect({ token });
    expect([...(await app.store.connections.channels(ann.id))].sort()).toEqual(expected);
    await app.app.channel('news').publish('x', { n: 1 });
    expect(ann.events).toMatchObject([{ channel: 'news', data: { n: 1 } }]);
  });
});
