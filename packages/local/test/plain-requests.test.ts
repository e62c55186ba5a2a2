import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Extension } from '../src/gateway/api.js';
import type { PostEvent } from '../src/gateway/events.js';
import { type Gateway, openApi } from '../src/gateway/open-gateway.js';
import type { PolicyDocument } from '../src/iam/policy-document.js';
import { type LocalApi, openLocalApi, TestFunction } from './local-api.js';
import { Peer } from './peer.js';
import { sendRequest, sendSigned } from './signed-request.js';

const FORBIDDEN = '{"message":"Forbidden"}';
const OWN_NAME = 'local00000.execute-api.us-east-1.amazonaws.com';

/** Sends requests to one port, and returns the statuses and bodies. */
const answersOf = async (port: number, requests: readonly string[]) => {
  const answers = [];
  for (const request of requests) {
    const [method = '', path = ''] = request.split(' ');
    const { status, body } = await sendRequest({ port, path, method });
    answers.push([request, status, body]);
  }
  return answers;
};

describe('an extension of the gateway', () => {
  const posts: PostEvent[] = [];
  const handler = new TestFunction();
  // Each look at the clock takes a millisecond.
  let now = Date.UTC(2026, 0, 1);
  let gateway: Gateway;

  const extension: Extension = {
    path: '/@own/',
    async answer(pathname, { response }) {
      if (pathname === '/@own/half') response.writeHead(200, { 'Content-Length': 9 }).write('half');
      if (pathname !== '/@own/' && pathname !== '/@own/page') throw new Error('broken');
      response.end(`own ${pathname}`);
    },
    onEvent: (event) => event,
    onPost: (post) => posts.push(post),
  };

  beforeAll(async () => {
    gateway = await openApi({ now: () => ++now }, { extend: () => extension });
    gateway.use({ handler, routes: [{ routeKey: '$connect' }, { routeKey: '$default' }] });
    return () => gateway.close();
  });

  it('answers what begins with its path, and reads of / that nothing else answers', async () => {
    const requests = ['GET /@own/page?x=1', 'POST /@own/page', 'GET /', 'HEAD /', 'POST /'];
    expect(await answersOf(gateway.port, [...requests, 'GET /x', 'GET /x/@own/'])).toEqual([
      ['GET /@own/page?x=1', 200, 'own /@own/page'],
      ['POST /@own/page', 200, 'own /@own/page'],
      ['GET /', 200, 'own /@own/'],
      ['HEAD /', 200, ''],
      ['POST /', 403, FORBIDDEN],
      ['GET /x', 403, FORBIDDEN],
      ['GET /x/@own/', 403, FORBIDDEN],
    ]);
  });

  it('may fail, which is printed and answered with 500, or ends an answer that has begun', async () => {
    const print = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { port } = gateway;
    try {
      const { status, headers, body } = await sendRequest({ port, path: '/@own/fail' });
      expect([status, headers['x-amzn-errortype']]).toEqual([500, 'InternalServerErrorException']);
      expect(body).toBe('{"message":"Internal server error"}');
      await expect(sendRequest({ port, path: '/@own/half' })).rejects.toThrow('aborted');
      const lines = print.mock.calls.map(([text]) => String(text).split('\n')[0]);
      expect(lines).toEqual([
        'The gateway failed at GET /@own/fail: Error: broken',
        'The gateway failed at GET /@own/half: Error: broken',
      ]);
    } finally {
      print.mockRestore();
    }
  });

  it('sees each post with its answer, and no other request to @connections', async () => {
    await using peer = await Peer.connect(gateway.url);
    const { connectionId = '' } = handler.of('$connect').at(-1)?.requestContext ?? {};
    const key = gateway.credentials.issue('a test');
    const send = (id: string, method: string) =>
      sendSigned({
        port: gateway.port,
        key,
        path: `/dev/@connections/${id}`,
        method,
        body: method === 'POST' ? 'hi' : '',
      });
    posts.length = 0;
    gateway.faults.add({ on: 'post', kind: 'arrived-gone', times: 1 });
    const start = now;
    expect((await send(connectionId, 'POST')).status).toBe(410);
    const end = now;
    expect(await peer.next()).toBe('hi');
    expect((await send(connectionId, 'POST')).status).toBe(200);
    expect((await send(connectionId, 'GET')).status).toBe(200);
    expect((await send('gone', 'POST')).status).toBe(410);
    const body = Buffer.from('hi');
    expect(posts).toMatchObject([
      { connectionId, body, status: 410, fault: { kind: 'arrived-gone' } },
      { connectionId, body, status: 200, fault: undefined },
      { connectionId: 'gone', body, status: 410, fault: undefined },
    ]);
    const { time = 0, durationMs = 0 } = posts[0] ?? {};
    expect([time > start, durationMs > 0, durationMs <= end - start]).toEqual([true, true, true]);
  });
});

describe('a gateway only for pages of this machine', () => {
  let api: LocalApi;

  beforeAll(async () => {
    api = await openLocalApi({ localPagesOnly: true });
    return () => api.gateway.close();
  });

  it.each(['/', '/dev', '/other'])('refuses %s under another name', async (path) => {
    const { port } = api.gateway;
    const headers = { host: `example.com:${port}` };
    const { status, headers: answered, body } = await sendRequest({ port, path, headers });
    expect([status, answered['x-amzn-errortype']]).toEqual([403, 'ForbiddenException']);
    const message = 'Forbidden: this gateway only answers to names of this machine.';
    expect(body).toBe(JSON.stringify({ message }));
  });

  it('answers under its own names, whichever page asks', async () => {
    const { port } = api.gateway;
    const headers = { host: `localhost:${port}`, origin: 'https://example.com' };
    expect((await sendRequest({ port, path: '/', headers })).status).toBe(200);
    expect((await sendRequest({ port, path: '/dev', headers })).status).toBe(426);
  });

  it('answers signed requests under any name', async () => {
    const { port, credentials } = api.gateway;
    const key = credentials.issue('a test');
    const headers = { host: 'example.com' };
    const path = '/dev/@connections/gone';
    expect((await sendSigned({ port, key, path, headers })).status).toBe(410);
  });
});

describe('files beside the API', () => {
  let directory: string;
  let api: LocalApi;
  let mapped: LocalApi;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatecast-files-'));
    for (const folder of ['dev', '@connections']) {
      await mkdir(join(directory, folder));
      await writeFile(join(directory, folder, 'page.css'), 'file');
    }
    await writeFile(join(directory, 'page.css'), 'file');
    await writeFile(join(directory, 'developers'), 'file');
    api = await openLocalApi({ staticDirectory: directory });
    mapped = await openLocalApi({ staticDirectory: directory, basePath: '' });
  });

  afterAll(async () => {
    await Promise.all([api.gateway.close(), mapped.gateway.close()]);
    await rm(directory, { recursive: true });
  });

  it('are only served outside of its stage, and not instead of connections', async () => {
    const reported = api.log.length;
    const upgrade = '{"message":"Upgrade Required"}';
    const missing = '{"message":"Missing Authentication Token"}';
    const requests = ['GET /page.css', 'HEAD /page.css', 'POST /page.css', 'GET /developers'];
    const below = ['GET /dev', 'POST /dev', 'GET /dev/', 'GET /dev/page.css', 'POST /dev/page.css'];
    const others = ['GET /@connections/page.css', 'POST /developers', 'GET /'];
    expect(await answersOf(api.gateway.port, [...requests, ...below, ...others])).toEqual([
      ['GET /page.css', 200, 'file'],
      ['HEAD /page.css', 200, ''],
      ['POST /page.css', 403, FORBIDDEN],
      ['GET /developers', 200, 'file'],
      ['GET /dev', 426, upgrade],
      ['POST /dev', 426, upgrade],
      ['GET /dev/', 426, upgrade],
      ['GET /dev/page.css', 426, upgrade],
      ['POST /dev/page.css', 403, missing],
      ['GET /@connections/page.css', 403, FORBIDDEN],
      ['POST /developers', 403, FORBIDDEN],
      ['GET /', 200, `A local API Gateway. Connect to ws://localhost:${api.gateway.port}/dev.\n`],
    ]);
    expect(api.log.slice(reported).map(({ detail }) => detail)).toEqual([
      '403 POST /page.css: the API is at /dev',
      '426 GET /dev/page.css: the API is at /dev',
      '403 POST /dev/page.css: the API is at /dev',
      '403 GET /@connections/page.css: the API is at /dev',
      '403 POST /developers: the API is at /dev',
    ]);
  });

  it('are served first if the whole domain is mapped to the API', async () => {
    const requests = ['GET /page.css', 'GET /dev/page.css', 'POST /page.css', 'GET /'];
    expect(await answersOf(mapped.gateway.port, requests)).toEqual([
      ['GET /page.css', 200, 'file'],
      ['GET /dev/page.css', 200, 'file'],
      ['POST /page.css', 404, expect.stringContaining('route page.css for http method POST')],
      ['GET /', 426, '{"message":"Upgrade Required"}'],
    ]);
  });
});

describe('an API beside its custom domain', () => {
  let api: LocalApi;

  beforeAll(async () => {
    api = await openLocalApi({ basePath: 'chat' });
    return () => api.gateway.close();
  });

  it('6.2 has @connections at its own name, too, with the stage in the path', async () => {
    const { port, credentials } = api.gateway;
    const key = credentials.issue('a test');
    const statusAt = async (host: string, path: string) => {
      const sent = { port, key, path: `${path}/@connections/gone`, headers: { host } };
      return (await sendSigned(sent)).status;
    };
    expect(await statusAt(OWN_NAME, '/dev')).toBe(410);
    expect(await statusAt(OWN_NAME, '/prod')).toBe(403);
    expect(await statusAt('localhost', '/dev')).toBe(403);
    expect(await statusAt('localhost', '/chat')).toBe(410);
  });

  it('answers with the length of a text in bytes, its type and an id', async () => {
    const { port } = api.gateway;
    const { headers, body } = await sendRequest({ port, path: '/chat/%C3%A9' });
    expect(body).toContain('matching route é for');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-amzn-errortype': 'NotFoundException',
      'x-amzn-requestid': expect.stringMatching(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/),
    });
  });
});

describe('a request to @connections', () => {
  let api: LocalApi;
  let peer: Peer;
  let path: string;

  beforeAll(async () => {
    api = await openLocalApi();
    peer = await Peer.connect(api.url);
    path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
    return () => api.gateway.close();
  });

  const send = (method: string, body = '', policy?: PolicyDocument) => {
    const { port, credentials } = api.gateway;
    return sendSigned({ port, path, method, body, key: credentials.issue('a test', policy) });
  };

  it('6.5 is refused without a signature', async () => {
    const { status, headers, body } = await sendRequest({ port: api.gateway.port, path });
    expect([status, headers['x-amzn-errortype']]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ]);
    expect(body).toBe('{"message":"Missing Authentication Token"}');
  });

  it('6.18 is refused with another method', async () => {
    const { status, headers, body } = await send('PUT');
    expect([status, headers['x-amzn-errortype']]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ]);
    expect(body).toBe('{"message":"Missing Authentication Token"}');
  });

  it('6.6 is refused without a permission for its action and its method', async () => {
    const policy = (Action: string, method: string): PolicyDocument => ({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action, Resource: `arn:aws:execute-api:*:*:*/${method}/@connections/*` },
      ],
    });
    const { status, headers, body } = await send('GET', '', policy('execute-api:Invoke', 'GET'));
    expect([status, headers['x-amzn-errortype']]).toEqual([403, 'ForbiddenException']);
    expect(body).toContain('execute-api:ManageConnections');
    const action = 'execute-api:ManageConnections';
    expect((await send('GET', '', policy(action, 'POST'))).status).toBe(403);
    const found = await send('GET', '', policy(action, 'GET'));
    expect(found.status).toBe(200);
    expect(JSON.parse(found.body)).toMatchObject({ identity: { sourceIp: '127.0.0.1' } });
  });

  it('6.9 may post 128 KB, with which faults happen, and no more', async () => {
    api.gateway.faults.add({ on: 'post', kind: 'failed', times: 1 });
    const tooLarge = await send('POST', 'x'.repeat(128 * 1024 + 1));
    expect(tooLarge).toMatchObject({
      status: 413,
      headers: { 'x-amzn-errortype': 'PayloadTooLargeException' },
      body: '{"message":"The payload is larger than 131072 bytes."}',
    });
    const largest = 'x'.repeat(128 * 1024);
    expect(await send('POST', largest)).toMatchObject({
      status: 500,
      body: '{"message":"Internal server error"}',
    });
    expect((await send('POST', largest)).status).toBe(200);
    expect(await peer.next()).toBe(largest);
  });

  it('6.16 is answered with 204 without a length if it disconnects', async () => {
    await using other = await Peer.connect(api.url);
    const id = api.handler.of('$connect').at(-1)?.requestContext.connectionId;
    const { port, credentials } = api.gateway;
    const key = credentials.issue('a test');
    const sent = { port, key, path: `/dev/@connections/${id}`, method: 'DELETE' };
    const { status, headers } = await sendSigned(sent);
    expect([status, headers['content-length'], headers['content-type']]).toEqual([
      204,
      undefined,
      undefined,
    ]);
    expect((await other.closed).code).toBe(1000);
  });

  it('6.12 is refused when the account has reached its limit', async () => {
    const accountThrottle = { rateLimit: 0, burstLimit: 1 };
    await using throttled = await openLocalApi({ accountThrottle });
    const { port, credentials } = throttled.gateway;
    const sent = { port, key: credentials.issue('a test'), path: '/dev/@connections/gone' };
    const { status, headers } = await sendSigned(sent);
    expect([status, headers['x-amzn-errortype']]).toEqual([410, 'GoneException']);
    expect(headers['content-type']).toBeUndefined();
    expect(await sendSigned(sent)).toMatchObject({
      status: 429,
      headers: { 'x-amzn-errortype': 'LimitExceededException' },
      body: '{"message":"Too Many Requests"}',
    });
  });
});
