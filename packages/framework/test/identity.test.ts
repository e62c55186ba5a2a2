import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { type Authorizer, defineChannel, type Identity, type Store } from '@gatecast/framework';
import {
  createTestApp,
  makeAuthorizerEvent,
  makeConnectEvent,
  makeConnectionId,
  makeDisconnectEvent,
  makeMessageEvent,
} from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { AppCore } from '../src/dispatch/app-invocation.js';
import { identityOfRecord } from '../src/dispatch/identify.js';
import { IdentityCache } from '../src/dispatch/identity-cache.js';
import type { ConnectionRecord } from '../src/store/connections.js';
import {
  checkIdentity,
  decodeIdentity,
  encodeIdentity,
  makeConnection,
} from '../src/wire/identity.js';
import { listen, outcomeOf } from './heard.js';

const seen: unknown[] = [];
const who = defineChannel('who', {
  access: 'public',
  autoSubscribe: true,
  onConnect: () => void seen.push('connect'),
  onDisconnect: ({ connection }) => void seen.push(connection.userId ?? 'guest'),
  messages: ({ message }) => ({
    am: message((_data, { connection: { userId, claims } }) => {
      seen.push(userId ?? 'guest');
      return { userId, claims };
    }),
  }),
});
const channels = [who] as const;
const ask = (channel: unknown = 'who') => ({ action: 'who.am', id: 'm', channel });
const frames: [string, object][] = [
  ['a message', ask()],
  ['a subscribe frame', { action: 'subscribe', id: 's', channels: ['who'] }],
  ['an unsubscribe frame', { action: 'unsubscribe', id: 'u', channels: ['who'] }],
  ['an unknown action', { action: 'nope', id: 'n' }],
];
const ways: [string, boolean][] = [
  ['deployed', true],
  ['in $connect', false],
];

/** An app whose authorizer returns the given identity. */
function makeApp(identity: unknown, isAuthorizerDeployed: boolean) {
  seen.length = 0;
  const ear = listen();
  const authorizer: Authorizer = () => identity as Identity;
  const app = createTestApp({ channels, authorizer, isAuthorizerDeployed, plugins: [ear.plugin] });
  return { app, ear };
}

/** The answer of another environment of the function to a frame. */
async function answerElsewhere(
  app: ReturnType<typeof makeApp>['app'],
  connectionId: string,
  frame: object,
) {
  const other = createTestApp({
    channels,
    authorizer: () => ({}),
    store: app.store,
    plugins: [listen().plugin],
  });
  const event = makeMessageEvent({ connectionId, body: JSON.stringify(frame) });
  const { body = '' } = (await other.app.handler(event)) as { body?: string };
  return outcomeOf(JSON.parse(body));
}

describe('A3 a connection without a row', () => {
  it.each(frames)('A3 is unknown, not a guest: %s', async (_what, frame) => {
    const { app } = makeApp({ userId: 'alice' }, false);
    const alice = await app.connect();
    await app.store.connections.prune([alice.id]);
    expect(await answerElsewhere(app, alice.id, frame)).toBe('ERR_CONNECTION_UNKNOWN');
    expect(seen).toEqual(['connect']);
  });

  it('A3 is unknown if its row has no identity', async () => {
    const { app } = makeApp({ userId: 'alice' }, true);
    const alice = await app.connect();
    // A deployment removes the authorizer while the connection is open.
    expect(await answerElsewhere(app, alice.id, ask())).toBe('ERR_CONNECTION_UNKNOWN');
  });

  it.each(ways)('A3 keeps its identity if that is still known: authorizer %s', async (_how, is) => {
    const { app } = makeApp({ userId: 'alice' }, is);
    const alice = await app.connect();
    await app.store.connections.prune([alice.id]);
    expect(outcomeOf(await alice.sendFrame(ask()))).toMatchObject({ userId: 'alice' });
    expect(outcomeOf(await alice.sendFrame(frames[1]?.[1]))).toBe('ERR_CONNECTION_UNKNOWN');
  });

  it('A3 gets this answer to every frame after its end', async () => {
    const { app } = makeApp({ userId: 'alice' }, false);
    const alice = await app.connect();
    await alice.disconnect();
    const event = makeMessageEvent({ connectionId: alice.id, body: JSON.stringify(ask()) });
    const { body = '' } = (await app.app.handler(event)) as { body?: string };
    expect(outcomeOf(JSON.parse(body))).toBe('ERR_CONNECTION_UNKNOWN');
  });
});

class User {
  userId = 'alice';
}
const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
const throwNothing = () => {
  throw undefined;
};
const notIdentities: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a text', 'alice'],
  ['a number', 42],
  ['true', true],
  ['a function', () => ({ userId: 'alice' })],
  ['an empty list', []],
  ['a list', [{ userId: 'alice' }]],
  ['a Date', new Date()],
  ['an Error', new Error('alice')],
  ['a Map', new Map([['userId', 'alice']])],
  ['an instance of a class', new User()],
  ['an object that inherits', Object.create({ userId: 'alice' })],
  ['a promise of a list', Promise.resolve([])],
  ['user', { user: 'alice' }],
  ['userID', { userID: 'alice' }],
  ['an unknown key', { userId: 'alice', role: 'admin' }],
  ['a __proto__ of its own', JSON.parse('{"__proto__":{"userId":"root"}}')],
  ...[42, null, '', true, {}, ['alice'], new String('alice'), 1n, Symbol('alice')].map(
    (userId): [string, unknown] => [`the userId ${inspect(userId)}`, { userId }],
  ),
  ...[null, [], 'admin', 1, true, new Date(), new Map(), new User(), { toJSON: () => ['x'] }].map(
    (claims): [string, unknown] => [`the claims ${inspect(claims)}`, { claims }],
  ),
  ['claims with a bigint', { claims: { n: 1n } }],
  ['claims with a cycle', { claims: cyclic }],
  ['claims whose toJSON throws nothing', { claims: { toJSON: throwNothing } }],
];

describe.each(ways)('A14 an authorizer %s', (_how, isDeployed) => {
  it.each(notIdentities)(
    'A14 that does not return an identity is reported as wrong: %s',
    async (_what, identity) => {
      const { app, ear } = makeApp(identity, isDeployed);
      await expect(app.connect()).rejects.toMatchObject({ status: 500 });
      expect(ear.errors).toMatchObject([{ name: 'UsageError', code: 'ERR_IDENTITY_INVALID' }]);
      expect(seen).toEqual([]);
    },
  );
});

const badTimes: [unknown][] = [
  [Infinity],
  [-Infinity],
  [Number.NaN],
  [Number.MAX_VALUE],
  [new Date(Date.now() + 60_000)],
  ['2100-01-01T00:00:00Z'],
  [String(Date.now() + 60_000)],
  [null],
  [true],
  [BigInt(Date.now() + 60_000)],
];

describe.each(ways)('A4 with an authorizer %s', (_how, isDeployed) => {
  it.each(badTimes)('A4 an expiresAt of %s is a mistake of the developer', async (expiresAt) => {
    const { app, ear } = makeApp({ userId: 'alice', expiresAt }, isDeployed);
    await expect(app.connect()).rejects.toMatchObject({ status: 500 });
    expect(ear.codes()).toEqual(['ERR_IDENTITY_INVALID']);
    expect(seen).toEqual([]);
  });

  it.each([undefined, Number.MAX_SAFE_INTEGER])(
    'A4 an expiresAt of %s means that it never expires',
    async (expiresAt) => {
      const { app } = makeApp({ userId: 'alice', expiresAt }, isDeployed);
      const alice = await app.connect();
      app.clock.advance(60 * 60_000);
      expect(outcomeOf(await alice.sendFrame(ask()))).toMatchObject({ userId: 'alice' });
    },
  );

  it('A4 claims arrive completely, as JSON values', async () => {
    const claims = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 });
    const userId = fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' });
    await fc.assert(
      fc.asyncProperty(userId, claims, async (user, given) => {
        const { app } = makeApp({ userId: user, claims: given }, isDeployed);
        const answer = outcomeOf(await (await app.connect()).sendFrame(ask()));
        expect(JSON.stringify(answer)).toBe(JSON.stringify({ userId: user, claims: given }));
      }),
      { numRuns: 50 },
    );
  });

  it('A4 claims that JSON changes look the same to every handler', async () => {
    const claims = { at: new Date(0), n: Number.NaN, none: undefined, map: new Map([[1, 2]]) };
    const { app } = makeApp({ claims }, isDeployed);
    expect(outcomeOf(await (await app.connect()).sendFrame(ask()))).toEqual({
      claims: { at: '1970-01-01T00:00:00.000Z', n: null, map: {} },
    });
  });
});

describe('A4 an identity that cannot be read', () => {
  const texts = ['', 'alice', 'null', '[]', '7', '{', '{"userId":7}', '{"userId":""}'];
  const more = ['{"user":"a"}', '{"expiresAt":null}', '{"expiresAt":1700000000}', '{"claims":[]}'];

  it.each([...texts, ...more])('A4 refuses, from the store: %j', async (identity) => {
    const { app } = makeApp({ userId: 'alice' }, false);
    const alice = await app.connect();
    const record = await app.store.connections.get(alice.id);
    await app.store.connections.connect({ ...record, identity } as never, []);
    for (const [, frame] of frames) {
      expect(await answerElsewhere(app, alice.id, frame)).toBe('ERR_UNAUTHORIZED');
    }
    expect(seen).toEqual(['connect']);
  });

  it.each([...texts, ...more, 7, null, {}, { userId: 'root' }])(
    'A4 refuses, from the context of an authorizer: %j',
    async (gatecast) => {
      const { app } = makeApp({ userId: 'alice' }, true);
      const authorizer = { gatecast } as never;
      expect(await app.app.handler(makeConnectEvent({ authorizer }))).toEqual({ statusCode: 401 });
      for (const [, frame] of frames) {
        const event = makeMessageEvent({ authorizer, body: JSON.stringify(frame) });
        const { body = '' } = (await app.app.handler(event)) as { body?: string };
        expect(outcomeOf(JSON.parse(body))).toBe('ERR_UNAUTHORIZED');
      }
      expect(seen).toEqual([]);
    },
  );

  it('A4 still has the user id when the connection ends', async () => {
    const { app } = makeApp({ userId: 'alice' }, false);
    const alice = await app.connect();
    const record = await app.store.connections.get(alice.id);
    await app.store.connections.connect({ ...record, identity: '{' } as never, []);
    await alice.disconnect();
    expect(seen).toEqual(['connect', 'alice']);
  });
});

describe.each(ways)('A6 with an authorizer %s', (_how, isDeployed) => {
  const past: [string, number][] = [
    ['a year ago', -365 * 24 * 60 * 60_000],
    ['a millisecond ago', -1],
    ['just now', 0],
  ];
  it.each(past)('A6 an identity that expired %s gives no access', async (_when, agoMs) => {
    const identity = { userId: 'alice', expiresAt: 0 };
    const { app } = makeApp(identity, isDeployed);
    identity.expiresAt = app.clock.now() + agoMs;
    await expect(app.connect()).rejects.toMatchObject({ status: 401 });
    expect(seen).toEqual([]);
    expect((await app.store.connections.subscribers('who')).items).toEqual([]);
  });

  it.each([
    ['now', Date.now() / 1_000],
    ['in a year', Date.now() / 1_000 + 365 * 24 * 60 * 60],
    ['never, as 0', 0],
    ['a time left', 3_600_000],
  ])(
    'A6 an expiresAt in seconds or of another type is reported to the developer: %s',
    async (_when, expiresAt) => {
      const { app, ear } = makeApp({ userId: 'alice', expiresAt }, isDeployed);
      await expect(app.connect()).rejects.toMatchObject({ status: 500 });
      expect(ear.errors).toMatchObject([
        { code: 'ERR_IDENTITY_INVALID', message: expect.stringContaining('milliseconds') },
      ]);
      expect(seen).toEqual([]);
    },
  );
});

it.each([
  ['is closed', { result: 'delivered' }, ['ERR_UNAUTHORIZED']],
  ['is gone', { result: 'gone' }, ['ERR_UNAUTHORIZED']],
  [
    'cannot be closed',
    { result: 'failed', error: new Error('It is down.') },
    ['Error: It is down.', 'ERR_UNAUTHORIZED'],
  ],
])(
  'A6 a connection whose identity has expired %s, which is reported',
  async (_how, closed, codes) => {
    const identity = { userId: 'alice', expiresAt: 0 };
    const { app, ear } = makeApp(identity, false);
    identity.expiresAt = app.clock.now() + 1_000;
    const alice = await app.connect();
    expect(await app.store.connections.get(alice.id)).toMatchObject({
      userId: 'alice',
      identityExpiresAt: identity.expiresAt,
    });
    app.clock.advance(1_000);
    vi.spyOn(app.gateway, 'disconnect').mockResolvedValue(closed as never);
    expect(outcomeOf(await alice.sendFrame(ask()))).toBe('ERR_UNAUTHORIZED');
    expect(ear.codes()).toEqual(codes);
  },
);

it('A4 the identity of a connection that has ended is what can be read of it', () => {
  const core = { authorizer: () => ({}) } as unknown as AppCore;
  const record = { connectionId: 'c1', userId: 'alice' } as ConnectionRecord;
  const text = encodeIdentity({ userId: 'alice', claims: { a: 1 } });
  expect(identityOfRecord(core, record)).toStrictEqual({ userId: 'alice' });
  expect(identityOfRecord(core, record, text)).toMatchObject({ userId: 'alice', claims: { a: 1 } });
  expect(identityOfRecord(core, { ...record, identity: text })).toMatchObject({ claims: { a: 1 } });
  expect(identityOfRecord(core, record, '{')).toStrictEqual({ userId: 'alice' });
  const { userId: _, ...guest } = record;
  expect(identityOfRecord(core, guest)).toStrictEqual({});
  const open = { ...core, authorizer: undefined };
  expect(identityOfRecord(open, record, text)).toStrictEqual({});
});

it('A6 an identity that expires between the authorizer and $connect gives no access', async () => {
  const { app } = makeApp({}, true);
  const now = app.clock.now();
  const identity = JSON.stringify({ userId: 'alice', expiresAt: now + 1_000 });
  app.clock.advance(1_000);
  const event = makeConnectEvent({ authorizer: { gatecast: identity } });
  expect(await app.app.handler(event)).toEqual({ statusCode: 401 });
  expect(seen).toEqual([]);
});

describe('A13 in an app without an authorizer', () => {
  it('A13 the context of another authorizer does not make anyone a user', async () => {
    seen.length = 0;
    const rule = vi.fn(({ connection }) => connection.userId === undefined);
    const open = defineChannel('open', { access: rule });
    const app = createTestApp({ channels: [who, open] });
    const connectionId = makeConnectionId();
    const authorizer = { principalId: 'root', userId: 'root', gatecast: '{"userId":"root"}' };
    const options = { connectionId, authorizer };
    expect(await app.app.handler(makeConnectEvent(options))).toMatchObject({ statusCode: 200 });
    expect(await app.store.connections.get(connectionId)).not.toHaveProperty('userId');
    for (const frame of [ask(), { action: 'subscribe', id: 's', channels: ['open', 'who'] }]) {
      await app.app.handler(makeMessageEvent({ ...options, body: JSON.stringify(frame) }));
    }
    await app.app.handler(makeDisconnectEvent(options));
    expect(seen).toEqual(['connect', 'guest', 'guest']);
    expect(rule).toHaveReturnedWith(true);
  });

  it('A13 an unreadable context is ignored', async () => {
    const app = createTestApp({ channels });
    const options = { connectionId: makeConnectionId(), authorizer: { gatecast: 'garbled' } };
    expect(await app.app.handler(makeConnectEvent(options))).toMatchObject({ statusCode: 200 });
    const event = makeMessageEvent({ ...options, body: JSON.stringify(ask()) });
    const { body = '' } = (await app.app.handler(event)) as { body?: string };
    expect(outcomeOf(JSON.parse(body))).toEqual({ claims: {} });
  });

  it('A13 its own authorizer event accepts a guest', async () => {
    const app = createTestApp({ channels });
    expect(await app.app.handler(makeAuthorizerEvent())).toMatchObject({
      principalId: 'guest',
      context: { gatecast: '{}' },
    });
  });
});

describe('E11 the identity that $connect established', () => {
  const elsewhere = (store: Store) =>
    createTestApp({ channels, authorizer: () => ({}), store, isAuthorizerDeployed: false });
  const send = async (app: ReturnType<typeof elsewhere>, connectionId: string) => {
    const event = makeMessageEvent({ connectionId, body: JSON.stringify(ask()) });
    const { body = '' } = (await app.app.handler(event)) as { body?: string };
    return outcomeOf(JSON.parse(body));
  };

  it('E11 is read from the store once in each environment', async () => {
    const { app } = makeApp({ userId: 'alice' }, false);
    const get = vi.spyOn(app.store.connections, 'get');
    const alice = await app.connect();
    for (let n = 0; n < 3; n += 1) await alice.sendFrame(ask());
    expect(get).not.toHaveBeenCalled();
    const other = elsewhere(app.store);
    for (let n = 0; n < 3; n += 1) {
      expect(await send(other, alice.id)).toMatchObject({ userId: 'alice' });
    }
    expect(get).toHaveBeenCalledTimes(1);
  });

  it('E11 expires in each environment', async () => {
    const identity = { userId: 'alice', expiresAt: 0 };
    const { app } = makeApp(identity, false);
    identity.expiresAt = app.clock.now() + 60_000;
    const alice = await app.connect();
    const other = elsewhere(app.store);
    expect(await send(other, alice.id)).toMatchObject({ userId: 'alice' });
    app.clock.advance(60_000);
    other.clock.advance(120_000);
    expect(await send(other, alice.id)).toBe('ERR_UNAUTHORIZED');
    expect(outcomeOf((await alice.sendFrame(ask())) ?? { error: alice.bye })).toBe(
      'ERR_UNAUTHORIZED',
    );
  });

  it('E11 is not cached for a refused handshake', async () => {
    const connectionId = makeConnectionId();
    const refusing = defineChannel('refusing', {
      onConnect: () => {
        throw new Error('No.');
      },
    });
    const app = createTestApp({
      channels: [who, refusing],
      authorizer: () => ({ userId: 'alice' }),
      isAuthorizerDeployed: false,
      plugins: [listen().plugin],
    });
    expect(await app.app.handler(makeConnectEvent({ connectionId }))).toEqual({ statusCode: 500 });
    const event = makeMessageEvent({ connectionId, body: JSON.stringify(ask()) });
    const { body = '' } = (await app.app.handler(event)) as { body?: string };
    expect(outcomeOf(JSON.parse(body))).toBe('ERR_CONNECTION_UNKNOWN');
  });

  it('E11 is cached for at most 10,000 connections', () => {
    const cache = new IdentityCache();
    for (let n = 0; n <= 10_000; n += 1) cache.keep(`connection-${n}`, { userId: `${n}` });
    expect(cache.get('connection-0')).toBeUndefined();
    expect(cache.get('connection-1')).toEqual({ userId: '1' });
    expect(cache.get('connection-10000')).toEqual({ userId: '10000' });
  });
});

describe('A4 an identity', () => {
  it('A4 must be a plain object, of any realm', () => {
    const plain: unknown[] = [
      { userId: 'ann' },
      Object.assign(Object.create(null), { userId: 'ann' }),
      runInNewContext("({ userId: 'ann' })"),
    ];
    for (const value of plain) expect(checkIdentity(value, 0)).toEqual({ userId: 'ann' });
    const base = Object.create(null) as object;
    const others: unknown[] = [
      undefined,
      'ann',
      ['ann'],
      new Map(),
      new (class {
        userId = 'ann';
      })(),
      Object.assign(Object.create(base), { userId: 'ann' }),
      runInNewContext('[]'),
      runInNewContext('new Date()'),
    ];
    for (const value of others) {
      expect(() => checkIdentity(value, 0)).toThrow(
        expect.objectContaining({
          code: 'ERR_IDENTITY_INVALID',
          message: expect.stringContaining('not a plain object'),
        }),
      );
    }
  });

  it('A4 accepts an expiresAt from 1e11 on as milliseconds, and nothing less', () => {
    const valid = (expiresAt: number) => () => checkIdentity({ userId: 'ann', expiresAt }, 0);
    expect(valid(1e11)()).toEqual({ userId: 'ann', expiresAt: 1e11 });
    expect(valid(Number.MAX_SAFE_INTEGER)).not.toThrow();
    for (const expiresAt of [1e11 - 1, 0, -1, Number.MAX_SAFE_INTEGER + 1]) {
      expect(valid(expiresAt)).toThrow(
        expect.objectContaining({ message: expect.stringContaining('an expiresAt') }),
      );
    }
    expect(() => checkIdentity({ expiresAt: 1e12 }, 1e12)).toThrow('The token has expired.');
  });

  it('A4 that JSON cannot express is refused with the reason', () => {
    const claims: Record<string, unknown> = {};
    claims['self'] = claims;
    expect(() => checkIdentity({ claims }, 0)).toThrow(
      /claims that JSON cannot express \(.*circular/,
    );
  });

  it('A4 that cannot be decoded is refused, with the reason in the logs', () => {
    for (const text of [undefined, '', '{', 'null', '7', '[]', '{"userId":7}', { userId: 'ann' }]) {
      let error: unknown;
      try {
        decodeIdentity(text);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({
        code: 'ERR_UNAUTHORIZED',
        cause: { message: expect.stringMatching(/^The authorizer's context or the store has ./) },
      });
    }
  });

  it('makes a connection with the address and user agent from API Gateway', () => {
    const options = { connectionId: 'c', connectedAt: 7 };
    const client = { sourceIp: '192.0.2.7', userAgent: 'Firefox' };
    expect(makeConnection({ ...options, identity: client }, { userId: 'ann' })).toStrictEqual({
      id: 'c',
      connectedAt: 7,
      userId: 'ann',
      claims: {},
      ...client,
    });
    const guest = { id: 'c', connectedAt: 7, claims: {}, sourceIp: '' };
    expect(makeConnection(options, undefined)).toStrictEqual(guest);
  });
});
