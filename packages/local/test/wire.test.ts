import { once } from 'node:events';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { clientFrame, handshakeText, RawPeer } from './raw-peer.js';
import { sendSigned } from './signed-request.js';

const MINUTE_MS = 60_000;
const TEXT = 1;

afterEach(() => {
  vi.useRealTimers();
});

describe('a 2xx result of $connect', () => {
  it('3.9 is not sent to the client, even with a body or on a two-way route', async () => {
    await using api = await openLocalApi({
      routes: [
        { routeKey: '$connect', twoWay: true },
        { routeKey: '$default', twoWay: true },
      ],
      respond: ({ requestContext }) => ({ statusCode: 200, body: requestContext.routeKey }),
    });
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: 'hello' }));
    expect((await peer.nextFrame()).payload.toString()).toBe('$default');
  });

  it('3.12 does not pass on its headers, except for the sub-protocol', async () => {
    const headers = {
      'Sec-WebSocket-Protocol': 'one',
      'Set-Cookie': 'a=1',
      'X-Custom': 'value',
      Upgrade: 'h2c',
    };
    await using api = await openLocalApi({ respond: () => ({ statusCode: 200, headers }) });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ 'Sec-WebSocket-Protocol': 'one' }));
    const response = await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    const names = response
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(':')[0] ?? '');
    expect(names.toSorted()).toEqual([
      'Connection',
      'Date',
      'Sec-WebSocket-Accept',
      'Sec-WebSocket-Protocol',
      'Upgrade',
    ]);
    expect(response).toContain('Upgrade: websocket\r\n');
  });
});

describe('TLS', () => {
  /** The negotiated version with a client that only supports one. */
  async function spokenWith(version: SecureVersion): Promise<string | null> {
    await using api = await openLocalApi();
    const { port, certificate } = api.gateway;
    const socket = connectTls({
      port,
      host: 'localhost',
      ca: certificate,
      minVersion: version,
      maxVersion: version,
      // Without this, OpenSSL does not even offer 1.1.
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    try {
      await once(socket, 'secureConnect');
      return socket.getProtocol();
    } finally {
      socket.destroy();
    }
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('3.21 accepts %s', async (version) => {
    expect(await spokenWith(version)).toBe(version);
  });

  it('3.21 does not accept TLSv1.1', async () => {
    await expect(spokenWith('TLSv1.1')).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
  });
});

describe('the frames to a connection', () => {
  it('5.18 contain no pings during the whole lifetime of a connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'Date'] });
    await using api = await openLocalApi({
      routes: [{ routeKey: '$default', twoWay: true }],
      respond: ({ body }) => ({ statusCode: 200, body }),
    });
    await using peer = await RawPeer.connect(api.gateway.port);
    // Often enough not to be idle, and shorter than the longest connection.
    for (let minutes = 9; minutes < 120; minutes += 9) {
      await vi.advanceTimersByTimeAsync(9 * MINUTE_MS);
      peer.write(clientFrame({ payload: `${minutes}` }));
      const { opcode, payload } = await peer.nextFrame();
      expect([opcode, payload.toString()]).toEqual([TEXT, `${minutes}`]);
    }
    expect(peer.received).toHaveLength(0);
  });

  it('6.8 6.23 contain the posted bytes unchanged in a text frame, even if they are not UTF-8', async () => {
    await using api = await openLocalApi();
    const { port, credentials } = api.gateway;
    await using peer = await RawPeer.connect(port);
    const path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
    const body = Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x28, 0x00]);
    const headers = { 'content-type': 'application/octet-stream' };
    const key = credentials.issue('a test');
    expect((await sendSigned({ port, key, path, body, headers })).status).toBe(200);
    // AWS does not document this. Clients that check, like browsers, close with 1007.
    expect(await peer.nextFrame()).toEqual({ isLast: true, opcode: TEXT, payload: body });
  });

  it('I7 6.23 contain U+FFFD for what is not UTF-8 if the switch says so', async () => {
    await using api = await openLocalApi({ quirks: { invalidPosts: 'replaced' } });
    const { port, credentials } = api.gateway;
    await using peer = await RawPeer.connect(port);
    const path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
    const key = credentials.issue('a test');
    const body = Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82]);
    expect((await sendSigned({ port, key, path, body })).status).toBe(200);
    expect((await peer.nextFrame()).payload).toEqual(Buffer.from('a\ufffdé\ufffd'));
  });
});

describe('an API with only the route $default', () => {
  it('5.22 gets every message there', async () => {
    await using api = await openLocalApi({ routes: ['$default'] });
    await using peer = await Peer.connect(api.url);
    const bodies = ['{"action":"send"}', 'hello', ''];
    for (const body of bodies) peer.send(body);
    await vi.waitFor(() => expect(api.handler.events.map(({ body }) => body)).toEqual(bodies));
    expect(api.handler.of('$default')).toHaveLength(bodies.length);
  });
});

describe('a connection id', () => {
  it.each([
    'x',
    'AAAAAAAAAAACAAA',
    'AAAAAAAAAAACAAA==',
    'AAAAAAAAAAACAA%2F=',
    '__proto__',
    '%00',
    '%zz',
    'x'.repeat(1_000),
  ])('6.11 that is malformed, such as %s, gets 410 like one that is gone', async (id) => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    const { port, credentials } = api.gateway;
    const key = credentials.issue('a test');
    for (const method of ['GET', 'POST', 'DELETE']) {
      const path = `/dev/@connections/${id}`;
      const { status, headers, body } = await sendSigned({ port, key, path, method });
      expect([status, headers['x-amzn-errortype'], body]).toEqual([410, 'GoneException', '']);
    }
  });
});
