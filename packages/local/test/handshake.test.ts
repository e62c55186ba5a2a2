import { describe, expect, it, vi } from 'vitest';
import { openGateway } from '../src/dev/open-gateway.js';
import { openLocalApi, type SeenEvent, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { clientFrame, handshakeText, RawPeer } from './raw-peer.js';
import { sendRequest } from './signed-request.js';

/** A gate that a function waits for and the test opens. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const onConnect = (answer: unknown) => (event: SeenEvent) =>
  event.requestContext.routeKey === '$connect' ? answer : { statusCode: 200 };

describe('a handshake', () => {
  it('3.1 is answered after $connect, and no message is handled before', async () => {
    const { opened, open } = gate();
    await using api = await openLocalApi({
      respond: async ({ requestContext }) => {
        if (requestContext.routeKey === '$connect') await opened;
        return { statusCode: 200 };
      },
    });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(Buffer.concat([Buffer.from(handshakeText()), clientFrame({ payload: 'early' })]));
    await vi.waitFor(() => expect(api.handler.of('$connect')).toHaveLength(1));
    expect(peer.received).toHaveLength(0);
    expect(api.handler.of('$default')).toEqual([]);
    open();
    await peer.until(/^HTTP\/1\.1 101 /);
    await vi.waitFor(() => expect(api.handler.of('$default')).toMatchObject([{ body: 'early' }]));
  });

  it('3.1 calls the authorizer before $connect', async () => {
    const order: string[] = [];
    const authorizer = new TestFunction((event) => {
      order.push('authorizer');
      const Resource = event['methodArn'];
      const Statement = [{ Action: '*', Effect: 'Allow', Resource }];
      return { principalId: 'ann', policyDocument: { Statement } };
    });
    await using api = await openLocalApi({
      authorizer: { function: authorizer },
      respond: ({ requestContext }) => {
        order.push(requestContext.routeKey);
        return { statusCode: 200 };
      },
    });
    await Peer.connect(api.url);
    expect(order).toEqual(['authorizer', '$connect']);
  });

  it('3.2 is accepted if there is no route $connect', async () => {
    await using api = await openLocalApi({ routes: ['$default'] });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    expect(api.handler.of('$connect')).toEqual([]);
  });

  it.each([200, 201, 204, 299, '200'])(
    '3.3 is accepted when $connect returns %j',
    async (statusCode) => {
      await using api = await openLocalApi({ respond: onConnect({ statusCode }) });
      const peer = await Peer.connect(api.url);
      expect(peer.response?.statusCode).toBe(101);
    },
  );

  it.each([301, 400, 401, 403, 404, 501])(
    '3.4 gets the status %i of $connect',
    async (statusCode) => {
      await using api = await openLocalApi({ respond: () => ({ statusCode, body: 'secret' }) });
      const { status, body } = await refusalOf(api.url);
      expect(status).toBe(statusCode);
      expect(body).not.toContain('secret');
      expect(api.log).toMatchObject([
        { route: '$connect', result: 'refused', detail: `${statusCode}` },
      ]);
    },
  );

  it.each([
    ['nothing', undefined],
    ['a string', 'ok'],
    ['an array', [200]],
    ['no statusCode', {}],
    ['an invalid status', { statusCode: 'ok' }],
    ['a status below 200', { statusCode: 101 }],
    ['a status past 599', { statusCode: 1000 }],
    ['an unknown key', { statusCode: 200, Data: 'x' }],
    ['a body that is an object', { statusCode: 200, body: {} }],
  ])('3.5 is refused with 502 when $connect returns %s', async (_what, answer) => {
    await using api = await openLocalApi({ respond: onConnect(answer) });
    expect((await refusalOf(api.url)).status).toBe(502);
    expect(api.log).toMatchObject([{ route: '$connect', result: 'failed' }]);
  });

  it('3.5 is refused with 502 when $connect throws', async () => {
    await using api = await openLocalApi({
      respond: () => {
        throw new TypeError('broken');
      },
    });
    expect((await refusalOf(api.url)).status).toBe(502);
    expect(api.log).toMatchObject([{ result: 'failed', detail: 'TypeError: broken' }]);
  });

  it('3.6 is refused with 504 when $connect takes longer than the gateway waits', async () => {
    const { opened, open } = gate();
    await using api = await openLocalApi({ integrationTimeoutMs: 50, respond: () => opened });
    expect((await refusalOf(api.url)).status).toBe(504);
    expect(api.log).toMatchObject([{ route: '$connect', result: 'timed out' }]);
    open();
  });

  it('3.7 is refused with 502 if the function reaches its own time-out', async () => {
    await using api = await openLocalApi();
    const error = { type: 'error', errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out' };
    api.gateway.use({
      routes: [{ routeKey: '$connect' }],
      handler: { invoke: () => Promise.resolve({ ...error, type: 'error' as const }) },
    });
    expect((await refusalOf(api.url)).status).toBe(502);
  });

  it.each([
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [502, 'Internal server error'],
  ])('3.8 says in JSON why it was refused with %i', async (statusCode, message) => {
    await using api = await openLocalApi({ respond: () => ({ statusCode }) });
    const { body, headers } = await refusalOf(api.url);
    expect(headers['content-type']).toBe('application/json');
    const { connectionId, requestId } = api.handler.events[0]?.requestContext ?? {};
    expect(body).toBe(
      `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
  });

  it('3.10 is answered with the headers that AWS sends and no more', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }));
    const response = await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    const names = response
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(':')[0] ?? '');
    expect(names.toSorted()).toEqual(['Connection', 'Date', 'Sec-WebSocket-Accept', 'Upgrade']);
    expect(response).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
  });

  it('3.11 is answered with the sub-protocol that $connect chose', async () => {
    const headers = { 'sec-websocket-protocol': 'two' };
    await using api = await openLocalApi({ respond: onConnect({ statusCode: 200, headers }) });
    const peer = await Peer.connect(api.url, { protocols: ['one', 'two'] });
    expect(peer.webSocket.protocol).toBe('two');
    expect(api.handler.events[0]?.headers['Sec-WebSocket-Protocol']).toBe('one,two');
  });

  it('3.11 is answered without a sub-protocol if $connect chose none, so that a browser fails', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ 'Sec-WebSocket-Protocol': 'one' }));
    const response = await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    expect(response.toLowerCase()).not.toContain('sec-websocket-protocol');
    await expect(Peer.connect(api.url, { protocols: ['one'] })).rejects.toThrow('subprotocol');
  });

  it('3.11 is answered with a sub-protocol that was not offered if $connect says so', async () => {
    const headers = { 'Sec-WebSocket-Protocol': 'two' };
    await using api = await openLocalApi({ respond: onConnect({ statusCode: 200, headers }) });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText());
    expect(await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/)).toContain('Protocol: two\r\n');
  });

  it.each([
    [{ multiValueHeaders: { 'sec-websocket-protocol': ['two'] } }],
    [{ multiValueHeaders: { 'Sec-WebSocket-Protocol': ['two'] }, headers: { 'X-Other': 'x' } }],
    [
      {
        multiValueHeaders: { 'Sec-WebSocket-Protocol': ['two'] },
        headers: { 'sec-websocket-protocol': 'two' },
      },
    ],
    [{ multiValueHeaders: null, headers: { 'sec-websocket-protocol': 'two' } }],
  ])('I8 3.23 is answered with the sub-protocol of both kinds of headers: %j', async (answer) => {
    await using api = await openLocalApi({ respond: onConnect({ statusCode: 200, ...answer }) });
    const peer = await Peer.connect(api.url, { protocols: ['one', 'two'] });
    expect(peer.webSocket.protocol).toBe('two');
  });

  it('I8 3.23 is refused with 502 if both kinds of headers have different sub-protocols', async () => {
    const headers = { 'Sec-WebSocket-Protocol': 'one' };
    const multiValueHeaders = { 'Sec-WebSocket-Protocol': ['two'] };
    await using api = await openLocalApi({
      respond: onConnect({ statusCode: 200, headers, multiValueHeaders }),
    });
    expect((await refusalOf(api.url, { protocols: ['one', 'two'] })).status).toBe(502);
    expect(api.log).toMatchObject([{ result: 'failed' }]);
  });

  it('3.11 is refused with 502 if the sub-protocol would break the answer', async () => {
    const headers = { 'Sec-WebSocket-Protocol': 'two\r\nSet-Cookie: a=1' };
    await using api = await openLocalApi({ respond: onConnect({ statusCode: 200, headers }) });
    expect((await refusalOf(api.url)).status).toBe(502);
    expect(api.log).toMatchObject([{ result: 'failed' }]);
  });

  it('3.13 negotiates permessage-deflate only with the option', async () => {
    await using plain = await openLocalApi();
    expect((await Peer.connect(plain.url)).webSocket.extensions).toBe('');
    const routes = [{ routeKey: '$default', twoWay: true }];
    const respond = ({ body }: SeenEvent) => ({ statusCode: 200, body });
    await using compressed = await openLocalApi({ quirks: { compression: true }, routes, respond });
    const peer = await Peer.connect(compressed.url);
    expect(peer.webSocket.extensions).toBe('permessage-deflate');
    peer.send('hello '.repeat(10_000));
    expect(await peer.next()).toBe('hello '.repeat(10_000));
  });

  it('3.16 is refused with 403 at every path except the stage', async () => {
    await using api = await openLocalApi();
    const base = `ws://localhost:${api.gateway.port}`;
    for (const path of ['', '/', '/prod', '/dev/more', '/dev//', '/DEV', '/dev/@connections/x']) {
      expect((await refusalOf(`${base}${path}`)).status).toBe(403);
    }
    expect(api.handler.events).toEqual([]);
  });

  it('3.16 is refused with 403 until the gateway has a deployment', async () => {
    await using gateway = await openGateway();
    expect((await refusalOf(gateway.url)).status).toBe(403);
  });

  it('3.17 is needed: a plain GET gets 426', async () => {
    await using api = await openLocalApi();
    for (const path of ['', '/', '?x=1']) {
      const response = await fetch(`${api.gateway.endpoint}${path}`);
      expect(response.status).toBe(426);
      expect(response.headers.get('upgrade')).toBe('websocket');
    }
  });

  it.each(['/1700000000000', '/a/b', '//', '/DEV?x=1'])(
    'I18 3.24 is also needed below the stage: a plain GET of %s gets 426',
    async (path) => {
      await using api = await openLocalApi();
      const response = await fetch(`${api.gateway.endpoint}${path}`);
      expect(response.status).toBe(426);
      expect(response.headers.get('upgrade')).toBe('websocket');
      const post = await fetch(`${api.gateway.endpoint}${path}`, { method: 'POST' });
      expect(post.status).toBe(403);
    },
  );

  it.each(['/@connections', '/%40connections/x/y'])(
    '6.18 a plain GET of %s gets 403',
    async (path) => {
      await using api = await openLocalApi();
      expect((await fetch(`${api.gateway.endpoint}${path}`)).status).toBe(403);
    },
  );

  it('3.22 may have a slash at the end of its path', async () => {
    await using api = await openLocalApi();
    const peer = await Peer.connect(`${api.url}/?a=1`);
    expect(peer.webSocket.readyState).toBe(peer.webSocket.OPEN);
  });

  it.each([
    ['no key', { 'Sec-WebSocket-Key': undefined }, 400],
    ['a key that is too short', { 'Sec-WebSocket-Key': 'abc' }, 400],
    ['no version', { 'Sec-WebSocket-Version': undefined }, 400],
    ['another version', { 'Sec-WebSocket-Version': '7' }, 426],
    ['two versions', { 'Sec-WebSocket-Version': '13, 8' }, 426],
    ['an invalid sub-protocol', { 'Sec-WebSocket-Protocol': 'a b' }, 400],
    ['one sub-protocol twice', { 'Sec-WebSocket-Protocol': 'a, a' }, 400],
    ['another upgrade', { Upgrade: 'h2c' }, 426],
  ])('I7 3.25 is refused before $connect when it has %s', async (...row) => {
    const [, headers, status] = row;
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText(headers));
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe(`HTTP/1.1 ${status}`);
    expect(api.handler.events).toEqual([]);
  });

  it('I7 3.25 names the version to use if it has another one', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ 'Sec-WebSocket-Version': '8' }));
    expect(await peer.until(/^[^]*\r\n\r\n/)).toContain('\r\nSec-WebSocket-Version: 13\r\n');
  });

  it('I7 3.25 is refused before $connect when its method is not GET', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({}, 'POST /dev HTTP/1.1'));
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe('HTTP/1.1 400');
    expect(api.handler.events).toEqual([]);
  });
});

describe('a client that leaves during the handshake', () => {
  it.each(['end', 'destroy', 'reset'] as const)(
    'never had a connection, but leads to a $disconnect if $connect accepted (%s)',
    async (how) => {
      const { opened, open } = gate();
      await using api = await openLocalApi({
        respond: async ({ requestContext }) => {
          if (requestContext.routeKey === '$connect') await opened;
          return { statusCode: 200 };
        },
      });
      await using peer = await RawPeer.open(api.gateway.port);
      peer.write(handshakeText());
      await vi.waitFor(() => expect(api.handler.events).toHaveLength(1));
      peer.leave(how);
      // When this is answered, the gateway knows that the client has left.
      expect((await fetch(api.gateway.endpoint)).status).toBe(426);
      open();
      await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
      const [connect, disconnect] = api.handler.events;
      expect(disconnect?.requestContext).toMatchObject({
        disconnectStatusCode: 1006,
        connectionId: connect?.requestContext.connectionId,
      });
    },
  );

  it('gets no $disconnect when $connect refused', async () => {
    const { opened, open } = gate();
    await using api = await openLocalApi({
      respond: async () => {
        await opened;
        return { statusCode: 403 };
      },
    });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText());
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(1));
    peer.socket.destroy();
    open();
    await vi.waitFor(() => expect(api.log).toMatchObject([{ result: 'refused' }]));
    await api.gateway.close();
    expect(api.handler.of('$disconnect')).toEqual([]);
  });

  it('does not reach $connect if it leaves while the authorizer runs', async () => {
    const { opened, open } = gate();
    const authorizer = new TestFunction(async () => {
      await opened;
      const Statement = [{ Action: '*', Effect: 'Allow', Resource: '*' }];
      return { principalId: 'ann', policyDocument: { Statement } };
    });
    await using api = await openLocalApi({ authorizer: { function: authorizer } });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText());
    await vi.waitFor(() => expect(authorizer.events).toHaveLength(1));
    peer.socket.end();
    expect((await fetch(api.gateway.endpoint)).status).toBe(426);
    open();
    await peer.closed;
    expect(api.log).toMatchObject([{ route: 'authorizer', result: 'ok' }]);
    expect(api.handler.events).toEqual([]);
  });
});

describe('a new deployment', () => {
  it('handles the next message, while connections stay open', async () => {
    const routes = [{ routeKey: '$default', twoWay: true }];
    const answer = (body: string) => new TestFunction(() => ({ statusCode: 200, body }));
    await using gateway = await openGateway();
    gateway.use({ handler: answer('old'), routes });
    await using peer = await Peer.connect(gateway.url);
    peer.send('x');
    expect(await peer.next()).toBe('old');
    gateway.use({ handler: answer('new'), routes });
    peer.send('x');
    expect(await peer.next()).toBe('new');
  });

  it('may close all connections with 1001, including those whose $connect is running', async () => {
    const { opened, open } = gate();
    let mustWait = false;
    await using api = await openLocalApi({
      respond: async ({ requestContext }) => {
        if (mustWait && requestContext.routeKey === '$connect') await opened;
        return { statusCode: 200 };
      },
    });
    const peer = await Peer.connect(api.url);
    mustWait = true;
    const pending = Peer.connect(api.url);
    await vi.waitFor(() => expect(api.handler.of('$connect')).toHaveLength(2));
    await api.gateway.closeAllConnections();
    expect(await peer.closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(api.handler.of('$disconnect')).toMatchObject([
      { requestContext: { disconnectStatusCode: 1001, disconnectReason: 'Going away' } },
    ]);
    open();
    expect((await (await pending).closed).code).toBe(1001);
    mustWait = false;
    const next = await Peer.connect(api.url);
    expect(next.webSocket.readyState).toBe(next.webSocket.OPEN);
  });
});

describe('with localPagesOnly', () => {
  const statusOf = async (port: number, headers: Readonly<Record<string, string>>) => {
    await using peer = await RawPeer.open(port);
    peer.write(handshakeText(headers));
    return (await peer.until(/^HTTP\/1\.1 \d+/)).slice(-3);
  };

  it.each([
    {},
    { Origin: 'http://localhost:5173' },
    { Origin: 'https://app.localhost' },
    { Host: '127.0.0.1:3000', Origin: 'http://[::1]:8080' },
    { Host: '192.168.1.5:3000', Origin: 'http://192.168.1.5:5173' },
  ])('I12 a page of this machine may connect: %j', async (headers) => {
    await using api = await openLocalApi({ localPagesOnly: true });
    expect(await statusOf(api.gateway.port, headers)).toBe('101');
  });

  it.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: 'http://localhost.evil.example' },
    { Origin: 'http://192.168.1.5' },
    { Host: 'evil.example', Origin: 'http://evil.example' },
    { Host: 'evil.example' },
    { Host: '192.168.1.5', Origin: 'http://192.168.1.6' },
  ])('I12 another page is refused, and it is said why: %j', async (headers) => {
    await using api = await openLocalApi({ localPagesOnly: true });
    expect(await statusOf(api.gateway.port, headers)).toBe('403');
    expect(api.handler.events).toEqual([]);
    const detail = expect.stringContaining('--any-origin');
    expect(api.log).toMatchObject([{ route: '$connect', result: 'refused', detail }]);
  });

  it('I12 nothing is served under a name that is not of this machine', async () => {
    await using api = await openLocalApi({ localPagesOnly: true });
    const { port } = api.gateway;
    const request = { port, path: '/' };
    const foreign = await sendRequest({ ...request, headers: { Host: 'evil.example' } });
    expect(foreign.status).toBe(403);
    expect((await sendRequest(request)).status).toBe(200);
  });

  it('I12 without it every page may connect, as on AWS', async () => {
    await using api = await openLocalApi();
    expect(await statusOf(api.gateway.port, { Origin: 'https://evil.example' })).toBe('101');
  });
});

describe('an upgrade to another protocol', () => {
  const h2c = {
    Connection: 'Upgrade, HTTP2-Settings',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'AAMAAABkAAQAAP__',
  };

  it.each(['plain', 'secure'])('I11 is ignored, with its body: %s', async (kind) => {
    await using api = await openLocalApi();
    const { port, certificate } = api.gateway;
    await using peer = await RawPeer.open(port, kind === 'secure' ? certificate : undefined);
    const post = { ...h2c, 'Content-Length': '4' };
    peer.write(handshakeText(h2c, 'GET / HTTP/1.1'));
    expect(await peer.until(/^[^]*Connect to [^]*\n/)).toMatch(/^HTTP\/1\.1 200/);
    // On the same connection, with a body that is another request's start if it is not read.
    peer.write(`${handshakeText(post, 'POST /dev/@connections/x HTTP/1.1')}body`);
    expect(await peer.until(/^[^]*Token"}/)).toMatch(/^HTTP\/1\.1 403/);
    peer.write(handshakeText(h2c));
    expect(await peer.until(/^[^]*Required"}/)).toMatch(/^HTTP\/1\.1 426/);
    peer.write(handshakeText());
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe('HTTP/1.1 101');
  });

  it('I11 a handshake without Host is refused', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ Host: undefined }));
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe('HTTP/1.1 400');
  });
});
