import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { hostInUrl, isFromLocalPage, isLocalHost } from '../src/gateway/http/local-host.js';
import { type RequestBody, readBody } from '../src/gateway/http/read-body.js';
import { openLocalApi } from './local-api.js';
import { refusalOf } from './peer.js';
import { RawPeer } from './raw-peer.js';
import { sendRequest } from './signed-request.js';

describe('a Host header', () => {
  it.each(['localhost', 'LocalHost:3000', '127.0.0.1', '127.0.0.1:80', '[::1]', '[::1]:3000'])(
    'names this machine: %s',
    (host) => {
      expect(isLocalHost(host)).toBe(true);
    },
  );

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil-localhost',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '127a0.0.1',
    '[::2]',
    '::1',
    'localhost:',
    'localhost:port',
  ])('does not name this machine: %s', (host) => {
    expect(isLocalHost(host)).toBe(false);
  });
});

describe('a request without a page', () => {
  it.each([
    'localhost:3000',
    'LOCALHOST',
    'my.App.localhost:3000',
    '127.0.0.1',
    '[::1]:3000',
    '192.168.1.5:3000',
    '[fd00::2]:3000',
  ])('is local at %s, a name of this machine or an address, which cannot be rebound', (host) => {
    expect(isFromLocalPage({ host })).toBe(true);
  });

  it.each([
    undefined,
    '',
    'evil.example:3000',
    'evillocalhost',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[evil.example]',
  ])('is not local at %s', (host) => {
    expect(isFromLocalPage({ host })).toBe(false);
  });
});

describe('a request of a page', () => {
  it.each([
    ['localhost:3000', 'http://localhost:5173'],
    ['localhost:3000', 'https://LOCALHOST'],
    ['localhost:3000', 'HTTP://app.localhost:5173'],
    ['localhost:3000', 'http://127.0.0.1:3000'],
    ['localhost:3000', 'http://[::1]:3000'],
    ['192.168.1.5:3000', 'http://localhost:5173'],
    ['192.168.1.5:3000', 'http://192.168.1.5:8080'],
    ['[FD00::2]:3000', 'http://[fd00::2]:8080'],
  ])('is local at %s from %s', (host, origin) => {
    expect(isFromLocalPage({ host, origin })).toBe(true);
  });

  it.each([
    ['localhost:3000', 'https://evil.example'],
    ['localhost:3000', 'http://localhost.evil.example'],
    ['localhost:3000', 'http://192.168.1.5:3000'],
    ['localhost:3000', 'ftp://localhost'],
    ['localhost:3000', 'null'],
    ['localhost:3000', ''],
    ['192.168.1.5:3000', 'http://192.168.1.6:3000'],
    ['192.168.1.5:3000', 'https://evil.example'],
    ['evil.example', 'http://localhost:5173'],
    ['evil.example', 'http://evil.example'],
  ])('is not local at %s from %s', (host, origin) => {
    expect(isFromLocalPage({ host, origin })).toBe(false);
  });
});

describe('the URL of a gateway', () => {
  it.each([
    [undefined, 'localhost'],
    ['127.0.0.1', 'localhost'],
    ['0.0.0.0', 'localhost'],
    ['::', 'localhost'],
    ['::1', '[::1]'],
    ['fd00::2', '[fd00::2]'],
    ['192.168.1.5', '192.168.1.5'],
    ['my-computer', 'my-computer'],
  ])('that listens on %s has the host %s', (host, expected) => {
    expect(hostInUrl(host)).toBe(expected);
  });
});

describe('a body of at most 10 bytes', () => {
  /** What the server read from a request with these pieces, each sent after the previous one arrived. */
  async function read(pieces: readonly string[], length: number): Promise<RequestBody> {
    const results: Promise<RequestBody>[] = [];
    const server = createServer((request, response) => {
      results.push(readBody(request, 10));
      request.on('data', () => response.write('x'));
      response.flushHeaders();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using peer = await RawPeer.open((server.address() as AddressInfo).port);
    peer.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
    await peer.until(/^HTTP\/1\.1 200 [^]*\r\n\r\n/);
    for (const piece of pieces) {
      peer.write(piece);
      await peer.until(/^1\r\nx\r\n/);
    }
    peer.leave('end');
    const result = await results[0];
    server.closeAllConnections();
    await once(server.close(), 'close');
    return result as RequestBody;
  }

  it.each([
    ['none', [], ''],
    ['the largest in one piece', ['0123456789'], '0123456789'],
    ['the largest in pieces', ['01234', '5678', '9'], '0123456789'],
  ])('is read whole: %s', async (_what, pieces, body) => {
    expect(await read(pieces, body.length)).toEqual({ type: 'whole', body: Buffer.from(body) });
  });

  it.each([
    [11, ['0123456789a']],
    [11, ['0123456789', 'a']],
    [23, ['0123456789a', '0123456789', 'ab']],
  ])('is too large with %i bytes, and yet read to its end: %j', async (bytes, pieces) => {
    expect(await read(pieces, bytes)).toEqual({ type: 'too large', bytes });
  });

  it.each([[[]], [['01234']], [['0123456789a']]])('is cut off after %j', async (pieces) => {
    expect(await read(pieces, 50)).toEqual({ type: 'cut off' });
  });
});

describe('a request to a wrong path', () => {
  it('is reported with the path of the API, but without its query', async () => {
    await using api = await openLocalApi();
    const { port } = api.gateway;
    await sendRequest({ port, path: '/prod?token=secret' });
    await sendRequest({ port, path: '/dev/other?token=secret', method: 'PUT' });
    expect(api.log).toEqual([
      {
        time: expect.any(Number),
        durationMs: expect.any(Number),
        route: 'HTTP',
        connectionId: '',
        result: 'refused',
        detail: '403 GET /prod: the API is at /dev',
      },
      expect.objectContaining({ detail: '403 PUT /dev/other: the API is at /dev' }),
    ]);
  });

  it('is reported with the first 100 characters of the path', async () => {
    await using api = await openLocalApi();
    const path = `/${'a'.repeat(99)}`;
    await sendRequest({ port: api.gateway.port, path: `${path}b` });
    expect(api.log).toMatchObject([{ detail: `403 GET ${path}: the API is at /dev` }]);
  });

  it('is reported with / if the whole domain is mapped', async () => {
    await using api = await openLocalApi({ basePath: '' });
    await sendRequest({ port: api.gateway.port, path: '/prod', method: 'POST' });
    expect(api.log).toMatchObject([{ detail: '404 POST /prod: the API is at /' }]);
  });

  it('is not reported if browsers send it by themselves', async () => {
    await using api = await openLocalApi();
    const { port } = api.gateway;
    for (const path of [
      '/favicon.ico',
      '/favicon.ico?a=1',
      '/.well-known/appspecific/com.chrome.devtools.json',
      '/a/favicon.ico',
      '/favicon.ico.txt',
      '/.well-known',
    ]) {
      expect((await sendRequest({ port, path })).status).toBe(403);
    }
    expect(api.log.map(({ detail }) => detail)).toEqual([
      '403 GET /a/favicon.ico: the API is at /dev',
      '403 GET /favicon.ico.txt: the API is at /dev',
      '403 GET /.well-known: the API is at /dev',
    ]);
  });

  it('is reported for a handshake, too', async () => {
    await using api = await openLocalApi();
    await refusalOf(`ws://localhost:${api.gateway.port}/prod?token=secret`);
    await vi.waitFor(() =>
      expect(api.log).toMatchObject([{ detail: '403 GET /prod: the API is at /dev' }]),
    );
  });
});

describe('a request to an unknown path of the API', () => {
  const answerTo = async (port: number, method: string, path: string) => {
    const { status, headers, body } = await sendRequest({ port, path, method });
    return { status, type: headers['x-amzn-errortype'], upgrade: headers.upgrade, body };
  };

  it.each(['/dev/other', '/dev/other/@connections', '/dev/@connectionsx', '/dev/%zz?a=1'])(
    '3.24 is asked for a WebSocket if it is GET %s',
    async (path) => {
      await using api = await openLocalApi();
      expect(await answerTo(api.gateway.port, 'GET', path)).toEqual({
        status: 426,
        type: undefined,
        upgrade: 'websocket',
        body: '{"message":"Upgrade Required"}',
      });
      expect(api.log).toMatchObject([
        { detail: expect.stringMatching(/^426 GET .*: the API is at/) },
      ]);
    },
  );

  it.each([
    ['GET', '/dev/@connections'],
    ['GET', '/dev/@connections/'],
    ['GET', '/dev/%40connections'],
    ['POST', '/dev/other'],
    ['DELETE', '/dev/@connections'],
  ])('6.6 is refused without a token: %s %s', async (method, path) => {
    await using api = await openLocalApi();
    expect(await answerTo(api.gateway.port, method, path)).toEqual({
      status: 403,
      type: 'MissingAuthenticationTokenException',
      upgrade: undefined,
      body: '{"message":"Missing Authentication Token"}',
    });
  });

  it.each([
    ['GET', 'other', 'other'],
    ['POST', 'dev/%40connections', 'dev/@connections'],
    ['GET', '@connections', '@connections'],
    ['PUT', 'a%zz', 'a%zz'],
  ])('6.2 has no route on a custom domain: %s %s', async (method, path, route) => {
    await using api = await openLocalApi({ basePath: 'chat' });
    expect(await answerTo(api.gateway.port, method, `/chat/${path}`)).toEqual({
      status: 404,
      type: 'NotFoundException',
      upgrade: undefined,
      body: JSON.stringify({
        message: `No method found matching route ${route} for http method ${method}.`,
      }),
    });
  });
});
