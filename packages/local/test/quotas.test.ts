import { describe, expect, it, vi } from 'vitest';
import { openGateway } from '../src/dev/open-gateway.js';
import { openLocalApi } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { clientFrame, handshakeText, RawPeer } from './raw-peer.js';

const KB = 1024;
const handler = { invoke: async () => ({ type: 'response', payload: null }) as const };

describe('the quotas of a deployment', () => {
  it('I7 7.8 are 300 routes, each with at most one integration', async () => {
    await using gateway = await openGateway();
    const routes = Array.from({ length: 300 }, (_, index) => ({ routeKey: `route-${index}` }));
    gateway.use({ handler, routes });
    expect(() => gateway.use({ handler, routes: [...routes, { routeKey: '$default' }] })).toThrow(
      'There are 301 routes, but API Gateway takes 300 for an API.',
    );
  });

  it.each(['requestTemplates', 'responseTemplates'])('I7 7.12 are 300 KB for %s', async (kind) => {
    await using gateway = await openGateway();
    const deploy = (length: number) => {
      // Two bytes each.
      const templates = { [kind]: { $default: 'é'.repeat(length / 2) } };
      const responses = [{ integrationResponseKey: '$default', ...templates }];
      const integration = { type: 'MOCK' as const, ...templates, responses };
      gateway.use({ handler, routes: [{ routeKey: '$default', integration }] });
    };
    deploy(300 * KB);
    expect(() => deploy(300 * KB + 2)).toThrow(
      `has ${300 * KB + 2} bytes, but API Gateway takes ${300 * KB}. Make it smaller.`,
    );
  });
});

describe('the quotas of an API', () => {
  const refusalOfOption = async (options: object) =>
    openGateway(options).then(
      async (gateway) => {
        await gateway.close();
        return 'taken';
      },
      (error: Error) => error.message,
    );

  it.each([
    [{ color: 'red' }],
    [{ url: 'https://example.com:8080/a-b_c.d~e?f=1&g=2,3#h' }],
    [{ ['n'.repeat(64)]: 'v'.repeat(512) }],
    [Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`v${index}`, '1']))],
  ])('I7 7.22 allow these stage variables: %j', async (stageVariables) => {
    expect(await refusalOfOption({ stageVariables })).toBe('taken');
  });

  it.each([
    [{ 'a-b': '1' }],
    [{ '': '1' }],
    [{ empty: '' }],
    [{ space: 'a b' }],
    [{ accent: 'é' }],
    [{ json: '{"a":1}' }],
    [{ number: 1 }],
    [{ ['n'.repeat(65)]: '1' }],
    [{ long: 'v'.repeat(513) }],
    [Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`v${index}`, '1']))],
  ])('I7 7.22 refuse these stage variables: %j', async (stageVariables) => {
    expect(await refusalOfOption({ stageVariables })).toContain('"stageVariables"');
  });

  it('I7 7.23 are 20 to 128 characters for an API key, which is not printed', async () => {
    for (const length of [20, 128]) {
      expect(await refusalOfOption({ apiKeys: ['k'.repeat(length)] })).toBe('taken');
    }
    for (const length of [19, 129]) {
      const message = await refusalOfOption({ apiKeys: ['k'.repeat(length)] });
      expect(message).toContain('"apiKeys"');
      expect(message).not.toContain('kkk');
    }
  });

  it.each(['dev', 'a', 'A-b_1', 's'.repeat(128)])(
    'I7 7.16 allow the name %s for a stage',
    async (stage) => {
      expect(await refusalOfOption({ stage })).toBe('taken');
    },
  );

  it.each(['', '$default', 'a.b', 'a/b', 'é', 's'.repeat(129)])(
    'I7 7.16 refuse the name "%s" for a stage',
    async (stage) => {
      expect(await refusalOfOption({ stage })).toContain('"stage"');
    },
  );
});

describe('the quotas of a handshake', () => {
  const request = (port: number, length: number) => {
    const start = `wss://localhost:${port}/dev?q=`;
    return `GET /dev?q=${'x'.repeat(length - start.length)} HTTP/1.1`;
  };

  it.each([
    ['4,096', 4_096, 101],
    ['4,097', 4_097, 414],
    ['60,000', 60_000, 414],
  ])('I7 7.14 are 4,096 characters for the URL: %s', async (_what, length, status) => {
    await using api = await openLocalApi();
    const { port } = api.gateway;
    await using peer = await RawPeer.open(port);
    peer.write(handshakeText({ Host: `localhost:${port}` }, request(port, length)));
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe(`HTTP/1.1 ${status}`);
    expect(api.handler.events).toHaveLength(status === 101 ? 1 : 0);
    if (status === 101) return;
    const detail = `The URL has ${length} characters, and may have 4096.`;
    expect(api.log).toMatchObject([{ route: '$connect', result: 'refused', detail }]);
  });

  const headersOf = (bytes: number) => {
    const rest = 'localhostUpgradewebsocket13dGhlIHNhbXBsZSBub25jZQ=='.length;
    return handshakeText({ 'X-Large': 'x'.repeat(bytes - rest) });
  };

  it.each([
    ['10,240 bytes', {}, 10_240, 101],
    ['10,241 bytes', {}, 10_241, 431],
    ['as many as the switch says', { maxHeaderBytes: 20_000 }, 20_000, 101],
    ['one more than the switch says', { maxHeaderBytes: 20_000 }, 20_001, 431],
  ])('I7 7.21 are for all header values together: %s', async (...row) => {
    const [, quirks, bytes, status] = row;
    await using api = await openLocalApi({ quirks });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(headersOf(bytes));
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe(`HTTP/1.1 ${status}`);
    expect(api.handler.events).toHaveLength(status === 101 ? 1 : 0);
  });

  it('I7 7.2 leave the number of connections open', async () => {
    await using api = await openLocalApi({ routes: ['$connect'] });
    const peers = await Promise.all(Array.from({ length: 200 }, () => Peer.connect(api.url)));
    expect(api.handler.events).toHaveLength(200);
    expect(peers.every(({ webSocket }) => webSocket.readyState === 1)).toBe(true);
  });

  it('I7 7.1 are new connections a second, if $connect has a throttle', async () => {
    let now = 1_700_000_000_000;
    const throttle = { rateLimit: 5, burstLimit: 5 };
    await using api = await openLocalApi({
      routes: [{ routeKey: '$connect', throttle }],
      now: () => now,
    });
    for (let count = 0; count < 5; count++) await Peer.connect(api.url);
    expect((await refusalOf(api.url)).status).toBe(429);
    now += 1_000;
    expect((await Peer.connect(api.url)).response?.statusCode).toBe(101);
  });
});

describe('an answer', () => {
  const open = (body: string, options: object = {}) =>
    openLocalApi({
      routes: ['$disconnect', { routeKey: '$default', twoWay: true }],
      respond: ({ requestContext }) =>
        requestContext.routeKey === '$default' ? { statusCode: 200, body } : { statusCode: 200 },
      ...options,
    });

  it('I7 5.27 may have 128 KB', async () => {
    // Two bytes each.
    const body = 'é'.repeat(64 * KB);
    await using api = await open(body);
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect((await peer.next()) === body).toBe(true);
  });

  it('I7 5.27 is an error if it is larger, and the connection stays open', async () => {
    await using api = await open(`${'é'.repeat(64 * KB)}x`);
    await using peer = await Peer.connect(api.url);
    for (let count = 0; count < 2; count++) {
      peer.send('one');
      expect(await peer.next()).toMatch(/^\{"message": "Internal server error", /);
    }
    const detail = `The answer has ${128 * KB + 1} bytes, and a message may have ${128 * KB}.`;
    await vi.waitFor(() => expect(api.log).toHaveLength(2));
    expect(api.log[0]).toMatchObject({ result: 'failed', detail });
  });

  it('I7 5.27 closes the connection with 1009 if the switch says so', async () => {
    await using api = await open('x'.repeat(128 * KB + 1), { quirks: { largeAnswers: 'close' } });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect(await peer.closed).toMatchObject({ code: 1009 });
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1009,
    });
  });

  it.each(['mock', 'MOCK', 'AWS'])('I7 5.27 is limited for the integration %s', async (kind) => {
    const large = 'x'.repeat(128 * KB + 1);
    const responses = [
      { integrationResponseKey: '$default', responseTemplates: { $default: large } },
    ];
    const requestTemplates = { $default: '{"statusCode":200}' };
    const integration =
      kind === 'mock' ? kind : ({ type: kind as 'AWS', requestTemplates, responses } as const);
    const routes = [{ routeKey: '$default', twoWay: true, integration, response: large }];
    await using api = await open('', { routes });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect(await peer.next()).toMatch(/^\{"message": "Internal server error", /);
  });

  it('I7 5.27 is not limited on a one-way route, which sends nothing', async () => {
    await using api = await open('x'.repeat(200 * KB), { routes: ['$default'] });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.log).toMatchObject([{ result: 'ok' }]));
  });

  it.each([
    [{}, 'aGVsbG8='],
    [{ decodeAnswers: false }, 'aGVsbG8='],
    [{ decodeAnswers: true }, 'hello'],
  ])('I18 5.28 in base64 is sent as it is, unless it is decoded: %j', async (quirks, expected) => {
    await using api = await open('', {
      respond: () => ({ statusCode: 200, body: 'aGVsbG8=', isBase64Encoded: true }),
      quirks,
    });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect(await peer.next()).toBe(expected);
  });

  it('I18 5.28 is not decoded without isBase64Encoded', async () => {
    await using api = await open('aGVsbG8=', { quirks: { decodeAnswers: true } });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect(await peer.next()).toBe('aGVsbG8=');
  });

  it('I7 5.29 is valid UTF-8, with U+FFFD for half a character', async () => {
    await using api = await open('a\ud800b');
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: 'one' }));
    expect((await peer.nextFrame()).payload).toEqual(Buffer.from('a\ufffdb'));
  });
});

describe('a quirk', () => {
  it.each([
    { largeAnswers: 'drop' },
    { decodeAnswers: 1 },
    { maxHeaderBytes: 0 },
    { maxHeaderBytes: 40_000 },
    { invalidPosts: true },
    { unknown: true },
  ])('K2 is refused if it cannot be: %j', async (quirks) => {
    await expect(openGateway({ quirks: quirks as object })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_OPTION_(?:VALUE|UNKNOWN)$/),
      message: expect.stringContaining('The option "quirks"'),
    });
  });
});
