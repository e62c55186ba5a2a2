import {
  type Authorizer,
  ClientError,
  defineChannel,
  memoryStore,
  type Plugin,
  type Store,
  StoreError,
} from '@gatecast/framework';
import {
  createTestApp,
  makeConnectEvent,
  makeConnectionId,
  type TestAppSettings,
} from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';
import { listen } from './heard.js';

const who = defineChannel('who', {
  access: 'public',
  messages: ({ message }) => ({ am: message((_data, { connection }) => connection.userId ?? '') }),
});
const ways: [string, boolean][] = [
  ['deployed', true],
  ['in $connect', false],
];
const token = (name: string) => `gatecast.token.${Buffer.from(name).toString('base64url')}`;

describe.each(ways)('A17 with an authorizer %s', (_how, isAuthorizerDeployed) => {
  const requests = vi.fn<Authorizer>(({ token: given }) => ({ userId: given ?? 'nobody' }));
  const makeApp = () =>
    createTestApp({ channels: [who], authorizer: requests, isAuthorizerDeployed });
  const connect = async (headers: Record<string, string | readonly string[]>) => {
    const ann = await makeApp().connect({ headers });
    return { headers: ann.headers, userId: await ann.send('who.am', 'who') };
  };
  const ann = { headers: { 'Sec-WebSocket-Protocol': 'gatecast.v1' }, userId: { data: 'ann' } };

  it.each([
    ['in one line', `gatecast.v1, ${token('ann')}`],
    ['in one line without blanks', `gatecast.v1,${token('ann')}`],
    ['in two lines', ['gatecast.v1', token('ann')]],
    ['in two lines, the token first', [token('ann'), 'gatecast.v1']],
    ['in three lines, with another', ['graphql-ws', `gatecast.v1, ${token('ann')}`, 'mqtt']],
  ])('A17 sub-protocols may come %s', async (_how2, lines) => {
    for (const name of ['Sec-WebSocket-Protocol', 'sec-websocket-protocol']) {
      expect(await connect({ [name]: lines })).toMatchObject(ann);
    }
  });

  it('A17 every header that may repeat reaches the authorizer completely', async () => {
    requests.mockClear();
    await connect({
      'Sec-WebSocket-Protocol': `gatecast.v1, ${token('ann')}`,
      'X-Forwarded-Proto': 'https',
      'Accept-Language': ['fr', 'en'],
      Cookie: ['a=1', 'b=2'],
      constructor: ['x', 'y'],
    });
    expect(requests.mock.calls[0]?.[0].headers).toMatchObject({
      'accept-language': 'fr, en',
      cookie: 'a=1; b=2',
      constructor: 'x, y',
    });
  });

  it.each([
    ['two tokens of the header Authorization', { Authorization: ['Bearer ann', 'Bearer bob'] }],
    ['an empty one', { Authorization: 'Bearer ' }],
    ['another scheme', { Authorization: 'Basic ann' }],
  ])('A17 are not a token: %s', async (_what, headers) => {
    expect(await connect(headers)).toMatchObject({ userId: { data: 'nobody' } });
  });

  it('A17 two origins are not an allowed origin', async () => {
    const app = createTestApp({
      channels: [who],
      authorizer: requests,
      isAuthorizerDeployed,
      origins: ['https://a.example'],
      plugins: [listen().plugin],
    });
    const Origin = ['https://evil.example', 'https://a.example'];
    await expect(app.connect({ headers: { Origin } })).rejects.toMatchObject({ status: 403 });
  });
});

describe('the protocol of a handshake', () => {
  const connect = async (headers: Record<string, string>, query: Record<string, string> = {}) => {
    const app = createTestApp({ channels: [who], plugins: [listen().plugin] });
    return (await app.app.handler(makeConnectEvent({ headers, query }))) as object;
  };
  const offer = (names: string) => ({ 'Sec-WebSocket-Protocol': names });

  it('is in the answer only if the client offered it', async () => {
    expect(await connect({})).toEqual({ statusCode: 200 });
    expect(await connect({}, { protocol: '1' })).toEqual({ statusCode: 200 });
    for (const names of ['gatecast.v1', 'mqtt, gatecast.v1', ' gatecast.v1 ,, mqtt']) {
      expect(await connect(offer(names))).toEqual({
        statusCode: 200,
        headers: { 'Sec-WebSocket-Protocol': 'gatecast.v1' },
      });
    }
  });

  it('is refused with 400 if the client offers another one', async () => {
    for (const names of ['mqtt', 'gatecast.v2', token('ann')]) {
      expect(await connect(offer(names))).toEqual({ statusCode: 400 });
    }
    expect(await connect({}, { protocol: '2' })).toEqual({ statusCode: 400 });
    expect(await connect(offer('gatecast.v1'), { protocol: '2' })).toEqual({ statusCode: 400 });
  });
});

describe('the request of an authorizer', () => {
  it('has the address, and no token if there is none', async () => {
    const authorizer = vi.fn<Authorizer>(() => ({}));
    const { app } = createTestApp({ channels: [who], authorizer, isAuthorizerDeployed: false });
    const event = makeConnectEvent({ headers: {}, query: {}, sourceIp: '192.0.2.7' });
    await app.handler(event);
    const { requestContext, ...rest } = event;
    const { identity: _none, ...request } = requestContext as typeof requestContext & {
      identity?: unknown;
    };
    await app.handler({
      ...rest,
      requestContext: { ...request, connectionId: makeConnectionId() },
    });
    expect(authorizer.mock.calls.map(([{ sourceIp }]) => sourceIp)).toEqual(['192.0.2.7', '']);
    for (const [asked] of authorizer.mock.calls) expect(asked).not.toHaveProperty('token');
  });
});

it('A17 treats two spellings of a header as one header', async () => {
  const { app } = createTestApp({ channels: [who], authorizer: () => ({ userId: 'x' }) });
  const event = makeConnectEvent({ authorizer: { gatecast: '{}' } });
  const headers = {
    'Sec-WebSocket-Protocol': 'gatecast.v1',
    'sec-websocket-protocol': token('ann'),
  };
  const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, [v]]));
  expect(await app.handler({ ...event, headers, multiValueHeaders })).toEqual({
    statusCode: 200,
    headers: { 'Sec-WebSocket-Protocol': 'gatecast.v1' },
  });
});

const news = defineChannel('news', { autoSubscribe: true, access: 'public' });
const failure = StoreError.of({ store: 'any', operation: 'connect', reason: 'It is down.' });

/** A store that has saved a connection but reports a failure. */
function lostAnswer(): Store {
  const store = memoryStore();
  const connect = store.connections.connect.bind(store.connections);
  return Object.assign(store, {
    connections: Object.assign(store.connections, {
      connect: async (...given: Parameters<typeof connect>) => {
        await connect(...given);
        throw failure;
      },
    }),
  });
}

it('reports a store that is away once, with what it was asked first', async () => {
  const store = memoryStore();
  const away = (operation: string) => async () =>
    Promise.reject(StoreError.of({ store: 'any', operation, reason: 'It is down.' }));
  const connections = Object.assign(store.connections, {
    connect: away('save a connection'),
    disconnect: away('remove a connection'),
  });
  const ear = listen();
  const app = createTestApp({
    channels: [news],
    store: Object.assign(store, { connections }),
    plugins: [ear.plugin],
  });
  await expect(app.connect()).rejects.toMatchObject({ status: 500 });
  expect(ear.errors.map(String)).toEqual([expect.stringContaining('save a connection')]);
});

describe('B7 a refused handshake leaves nothing behind', () => {
  const plugin = (onConnect: Plugin['onConnect']): TestAppSettings => ({
    plugins: [{ name: 'p', ...(onConnect && { onConnect }) }],
  });
  const refusals: [string, number, TestAppSettings][] = [
    [
      'a plugin that throws after next()',
      500,
      plugin(async (_ctx, next) => {
        await next();
        throw new Error('Too late.');
      }),
    ],
    [
      'a plugin that refuses after next()',
      429,
      plugin(async (_ctx, next) => {
        await next();
        throw new ClientError('ERR_RATE_LIMIT', 'Slow down.');
      }),
    ],
    [
      'a plugin that calls next() twice',
      500,
      plugin(async (_ctx, next) => {
        await next();
        await next();
      }),
    ],
    ['a plugin that does not await next()', 500, plugin((_ctx, next) => void next())],
    ['a plugin that never calls next()', 403, plugin(() => undefined)],
    [
      'a plugin that swallows what next() throws',
      403,
      { ...plugin((_ctx, next) => next().catch(() => undefined)), store: lostAnswer() },
    ],
    ['a store whose answer was lost', 500, { store: lostAnswer() }],
  ];

  it.each(refusals)('B7: %s', async (_what, status, options) => {
    const ear = listen();
    const plugins = [...(options.plugins ?? []), ear.plugin];
    const app = createTestApp({ channels: [news], ...options, plugins });
    await expect(app.connect()).rejects.toMatchObject({ status });
    expect((await app.store.connections.subscribers('news')).items).toEqual([]);
    expect(ear.errors).toHaveLength(1);
  });

  it.each<[string, TestAppSettings]>([
    ['an authorizer', { authorizer: () => Promise.reject(new ClientError('ERR_NO', 'No.')) }],
    ['a plugin', plugin(() => undefined)],
  ])('B7: refused by %s, it does not ask the store for anything', async (_who, options) => {
    const store = memoryStore();
    const removed = vi.spyOn(store.connections, 'disconnect');
    const app = createTestApp({ channels: [news], store, plugins: [listen().plugin], ...options });
    await expect(app.connect()).rejects.toMatchObject({ status: 403 });
    expect(removed).not.toHaveBeenCalled();
  });

  it('B7: its identity is not kept, and a second connection is not affected', async () => {
    let isRefused = false;
    const app = createTestApp({
      channels: [news],
      ...plugin(async (_ctx, next) => {
        await next();
        if (isRefused) throw new ClientError('ERR_FORBIDDEN', 'No.');
      }),
    });
    const ann = await app.connect();
    isRefused = true;
    await expect(app.connect()).rejects.toMatchObject({ status: 403 });
    expect((await app.store.connections.subscribers('news')).items).toMatchObject([
      { connectionId: ann.id },
    ]);
  });

  it('B7: a failure of the clean-up is reported in addition to the refusal', async () => {
    const ear = listen();
    const store = lostAnswer();
    vi.spyOn(store.connections, 'disconnect').mockRejectedValue(new Error('Still down.'));
    const app = createTestApp({ channels: [news], store, plugins: [ear.plugin] });
    await expect(app.connect()).rejects.toMatchObject({ status: 500 });
    expect(ear.codes()).toEqual(
      expect.arrayContaining(['ERR_STORE_UNAVAILABLE', 'Error: Still down.']),
    );
  });
});

describe('C14 names of properties that every object has', () => {
  const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'];

  it.each(names)('C14 %s can be the code of a refusal', async (code) => {
    const refusing = defineChannel('refusing', {
      onConnect: () => {
        throw new ClientError(code, 'No.');
      },
    });
    const app = createTestApp({ channels: [refusing], plugins: [listen().plugin] });
    expect(await app.app.handler(makeConnectEvent())).toEqual({ statusCode: 403 });
  });

  it.each(names)(
    'C14 %s is neither a header nor a query parameter unless it is sent',
    async (name) => {
      const found: unknown[] = [];
      const looking = defineChannel('looking', {
        access: 'public',
        onConnect: ({ headers, query }) => void found.push(headers[name], query[name]),
      });
      const authorizer: Authorizer = ({ headers, query }) => {
        found.push(headers[name], query[name]);
        return {};
      };
      const app = createTestApp({ channels: [looking], authorizer });
      await app.connect();
      expect(found).toEqual([undefined, undefined, undefined, undefined]);
      found.length = 0;
      const connectionId = makeConnectionId();
      const event = makeConnectEvent({ connectionId, authorizer: { gatecast: '{}' } });
      const sent = JSON.parse(`{"${name}":"x"}`);
      await app.app.handler({ ...event, headers: sent, queryStringParameters: sent });
      const lower = name.toLowerCase() === name;
      expect(found).toEqual([lower ? 'x' : undefined, 'x']);
    },
  );
});
