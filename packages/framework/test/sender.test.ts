import dns from 'node:dns';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CredentialSource } from '../src/deliver/apigw/credentials.js';
import { readEndpoint } from '../src/deliver/apigw/endpoint.js';
import { connectionsGateway } from '../src/deliver/apigw/post.js';
import type { Gateway } from '../src/deliver/gateway.js';
import { type SeenRequest, startConnectionsServer } from './connections-server.js';

const TOKEN = 'SESSION-TOKEN-456';

beforeEach(() => {
  for (const name of ['GATECAST_REGION', 'GATECAST_ENDPOINT']) vi.stubEnv(name, '');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', TOKEN);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function gatewayTo(url: string, credentials?: CredentialSource): Gateway {
  return connectionsGateway(readEndpoint(url), credentials);
}

function scopeOf({ headers }: SeenRequest): string | undefined {
  return /Credential=([^,]+)/.exec(headers.authorization ?? '')?.[1];
}

describe('a post', () => {
  it('C9 sends the frame to the path of its connection', async () => {
    const { url, requests } = await startConnectionsServer();
    const gateway = gatewayTo(url);
    expect(await gateway.post('a+b/c=', '{"text":"ä€𝒳"}')).toEqual({ result: 'delivered' });
    expect(await gateway.disconnect('Zq3vVcPBIAMCJXA=')).toEqual({ result: 'delivered' });
    expect(requests).toMatchObject([
      { method: 'POST', url: '/dev/@connections/a%2Bb%2Fc%3D', body: '{"text":"ä€𝒳"}' },
      { method: 'DELETE', url: '/dev/@connections/Zq3vVcPBIAMCJXA%3D', body: '' },
    ]);
    expect(requests[0]?.headers).toMatchObject({
      'content-length': '20',
      'x-amz-security-token': TOKEN,
      connection: 'keep-alive',
    });
  });

  it.each([
    [200, 'delivered', undefined],
    [204, 'delivered', undefined],
    [410, 'gone', undefined],
    [429, 'throttled', 'ERR_DELIVERY_THROTTLED'],
    [403, 'refused', 'ERR_DELIVERY_FORBIDDEN'],
    [413, 'failed', 'ERR_DELIVERY_FAILED'],
    [400, 'failed', 'ERR_DELIVERY_FAILED'],
    [404, 'refused', 'ERR_DELIVERY_FAILED'],
    [302, 'refused', 'ERR_DELIVERY_FAILED'],
    [408, 'retry', 'ERR_DELIVERY_FAILED'],
    [500, 'retry', 'ERR_DELIVERY_FAILED'],
    [503, 'retry', 'ERR_DELIVERY_FAILED'],
  ])('answered with %i is %s', async (status, result, code) => {
    const { url } = await startConnectionsServer((_request, response) => {
      response.writeHead(status).end();
    });
    const outcome = await gatewayTo(url).post('c', 'x');
    expect(outcome).toMatchObject({ result, ...(code && { error: { code } }) });
  });

  it('C3 that is refused does not show the session token in its error', async () => {
    const { url } = await startConnectionsServer(({ headers }, response) => {
      response.writeHead(403, { 'x-amzn-errortype': 'InvalidSignatureException:http://internal/' });
      const text = `The Canonical String should have been x-amz-security-token:${String(headers['x-amz-security-token'])}`;
      response.end(JSON.stringify({ message: text }));
    });
    const outcome = await gatewayTo(url).post('c', 'x');
    expect(outcome).toMatchObject({
      result: 'refused',
      error: {
        code: 'ERR_DELIVERY_CREDENTIALS',
        message: expect.stringMatching(/refused \(InvalidSignatureException\)\.$/) as string,
      },
    });
    expect(inspect(outcome, { depth: null })).not.toContain(TOKEN);
    expect(JSON.stringify(outcome)).not.toContain(TOKEN);
  });

  it.each([
    ['ForbiddenException', 'ERR_DELIVERY_FORBIDDEN'],
    ['MissingAuthenticationTokenException', 'ERR_DELIVERY_FORBIDDEN'],
    ['AccessDeniedException', 'ERR_DELIVERY_FORBIDDEN'],
    ['ExpiredTokenException', 'ERR_DELIVERY_CREDENTIALS'],
    ['UnrecognizedClientException', 'ERR_DELIVERY_CREDENTIALS'],
  ])('C7 that is refused with %s is %s, once', async (type, code) => {
    const { url, requests } = await startConnectionsServer((_request, response) => {
      response.writeHead(403, { 'x-amzn-errortype': type }).end();
    });
    const outcome = await gatewayTo(url).post('c', 'x');
    expect(outcome).toMatchObject({ result: 'refused', error: { code } });
    expect(requests).toHaveLength(1);
  });

  it('C3 reads only the beginning of a long error', async () => {
    let wasCut = false;
    const { url } = await startConnectionsServer((_request, response) => {
      response.writeHead(400).write('x'.repeat(100_000));
      response.on('close', () => {
        wasCut = !response.writableFinished;
      });
    });
    expect(await gatewayTo(url).post('c', 'x')).toMatchObject({ result: 'failed' });
    await vi.waitFor(() => expect(wasCut).toBe(true));
  });
});

describe('the time of a post', () => {
  it('B1 ends with its limit if there is no answer', async () => {
    const { url } = await startConnectionsServer(() => {});
    const startedAt = Date.now();
    const outcome = await gatewayTo(url).post('c', 'x', { endsAt: startedAt + 100 });
    expect(outcome).toMatchObject({ result: 'retry', error: { code: 'ERR_DELIVERY_FAILED' } });
    expect(Date.now() - startedAt).toBeLessThan(2_000);
  });

  it('B1 ends with its signal, even for many posts at once and for later ones', async () => {
    const { url, requests } = await startConnectionsServer(() => {});
    const gateway = gatewayTo(url);
    const controller = new AbortController();
    const { signal } = controller;
    const warned = vi.spyOn(process, 'emitWarning');
    const posts = Array.from({ length: 30 }, (_, i) => gateway.post(`c${i}`, 'x', { signal }));
    await vi.waitFor(() => expect(requests).toHaveLength(30));
    controller.abort();
    for (const outcome of await Promise.all(posts))
      expect(outcome).toMatchObject({ result: 'retry' });
    expect(await gateway.post('late', 'x', { signal })).toMatchObject({ result: 'retry' });
    expect(requests).toHaveLength(30);
    expect(warned).not.toHaveBeenCalled();
  });

  it('B1 does not begin after its limit, and opens no socket', async () => {
    const { url, server } = await startConnectionsServer();
    const connected = vi.fn();
    server.on('connection', connected);
    const controller = new AbortController();
    const gateway = gatewayTo(url);
    const late = gateway.post('c', 'x', { endsAt: Date.now() - 1 });
    const aborted = gateway.post('c', 'x', { signal: controller.signal });
    controller.abort();
    expect(await late).toMatchObject({ result: 'retry' });
    expect(await aborted).toMatchObject({ result: 'retry' });
    expect(await gateway.post('c', 'x')).toEqual({ result: 'delivered' });
    expect(connected).toHaveBeenCalledOnce();
  });

  it('C5 begins when it has a socket, so that earlier posts do not make it fail', async () => {
    const { url, requests } = await startConnectionsServer((_request, response) => {
      setTimeout(() => response.end(), 1_300);
    });
    const gateway = gatewayTo(url);
    // There are 128 sockets, so the last posts wait 2.6 s for one.
    const ids = Array.from({ length: 300 }, (_, i) => `c${i}`);
    const outcomes = await Promise.all(ids.map((id) => gateway.post(id, 'x')));
    expect(outcomes.every(({ result }) => result === 'delivered')).toBe(true);
    expect(requests).toHaveLength(ids.length);
  });
});

describe('a socket that was closed while it was idle', () => {
  it('C12 does not lose a post, even if there are many of them', async () => {
    const served = new WeakSet<object>();
    const { url, requests } = await startConnectionsServer((_request, response) => {
      const { socket } = response;
      if (!socket) return;
      // Each socket serves one request, and the next request finds it reset.
      if (served.has(socket)) socket.resetAndDestroy();
      else {
        served.add(socket);
        response.end();
      }
    });
    const gateway = gatewayTo(url);
    for (let round = 0; round < 3; round += 1) {
      const posts = Array.from({ length: 10 }, (_, i) => gateway.post(`c${i}`, 'x'));
      const outcomes = await Promise.all(posts);
      expect(outcomes.every(({ result }) => result === 'delivered')).toBe(true);
    }
    expect(requests.length).toBeGreaterThan(30);
  });

  it('C12 is different from a new socket that breaks, which counts as an attempt', async () => {
    const { url, requests } = await startConnectionsServer((_request, response) => {
      response.socket?.resetAndDestroy();
    });
    expect(await gatewayTo(url).post('c', 'x')).toMatchObject({ result: 'retry' });
    expect(requests).toHaveLength(1);
  });
});

describe('what signs', () => {
  it('C6 is made for the Region of the endpoint', async () => {
    const { port, requests } = await startConnectionsServer();
    const lookup = vi.spyOn(dns, 'lookup') as unknown as {
      mockImplementation(fake: (name: string, options: object, done: Done) => void): void;
    };
    type Done = (error: null, addresses: object[]) => void;
    lookup.mockImplementation((_name, _options, done) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    const url = `http://abc.execute-api.us-east-1.amazonaws.com:${port}/prod`;
    expect(await gatewayTo(url).post('c', 'x')).toEqual({ result: 'delivered' });
    expect(scopeOf(requests[0] as SeenRequest)).toMatch(/\/us-east-1\/execute-api\/aws4_request$/);
    expect(requests[0]?.headers.host).toBe(`abc.execute-api.us-east-1.amazonaws.com:${port}`);
  });

  it('C6 is made for GATECAST_REGION, or else AWS_REGION, for other host names', async () => {
    const { url, requests } = await startConnectionsServer();
    await gatewayTo(url).post('c', 'x');
    vi.stubEnv('GATECAST_REGION', 'ap-south-1');
    await gatewayTo(url).post('c', 'x');
    expect(requests.map((request) => scopeOf(request)?.split('/')[2])).toEqual([
      'eu-west-1',
      'ap-south-1',
    ]);
  });

  it.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])(
    'C7 fails at once without %s',
    async (name) => {
      vi.stubEnv(name, '');
      const { url, requests } = await startConnectionsServer();
      expect(await gatewayTo(url).post('c', 'x')).toMatchObject({
        result: 'refused',
        error: {
          code: 'ERR_DELIVERY_CREDENTIALS',
          message: `There are no valid credentials for ${url}: ${name} is not set.`,
        },
      });
      expect(requests).toHaveLength(0);
    },
  );

  it('is read again when it has expired', async () => {
    const { url, requests } = await startConnectionsServer(({ headers }, response) => {
      if (headers['x-amz-security-token'] === 'new') response.end();
      else {
        vi.stubEnv('AWS_SESSION_TOKEN', 'new');
        response.writeHead(403, { 'x-amzn-errortype': 'ExpiredTokenException' }).end();
      }
    });
    const gateway = gatewayTo(url);
    expect(await gateway.post('c', 'x')).toEqual({ result: 'delivered' });
    expect(await gateway.post('c', 'x')).toEqual({ result: 'delivered' });
    expect(requests).toHaveLength(3);
  });

  it('is not tried twice if it has expired and is still the newest one', async () => {
    const { url, requests } = await startConnectionsServer((_request, response) => {
      response.writeHead(403, { 'x-amzn-errortype': 'ExpiredTokenException' }).end();
    });
    expect(await gatewayTo(url).post('c', 'x')).toMatchObject({ result: 'refused' });
    expect(requests).toHaveLength(1);
  });

  it('may come from a function, which is called once for concurrent posts', async () => {
    const { url, requests } = await startConnectionsServer();
    const source = vi.fn(async () => ({ accessKeyId: 'OTHER', secretAccessKey: 's' }));
    const gateway = gatewayTo(url, source);
    await Promise.all(['a', 'b', 'c'].map((id) => gateway.post(id, 'x')));
    await gateway.post('d', 'x');
    expect(source).toHaveBeenCalledOnce();
    expect(requests.every((request) => scopeOf(request)?.startsWith('OTHER/'))).toBe(true);
  });

  it('fails without a secret in the error if that function fails', async () => {
    const { url } = await startConnectionsServer();
    const gateway = gatewayTo(url, () => {
      throw new TypeError('secret of the vault');
    });
    const outcome = await gateway.post('c', 'x');
    expect(outcome).toMatchObject({
      result: 'refused',
      error: { code: 'ERR_DELIVERY_CREDENTIALS' },
    });
    expect(inspect(outcome, { depth: null })).not.toContain('secret of the vault');
  });

  it('asks that function again after it has failed, at once or later, with an error or not', async () => {
    const { url } = await startConnectionsServer();
    const source = vi
      .fn<CredentialSource>(() => ({ accessKeyId: 'A', secretAccessKey: 's' }))
      .mockImplementationOnce(() => {
        throw new Error('not yet');
      })
      .mockRejectedValueOnce(null);
    const gateway = gatewayTo(url, source);
    const outcomes = [];
    for (const id of ['a', 'b', 'c']) outcomes.push((await gateway.post(id, 'x')).result);
    expect(outcomes).toEqual(['refused', 'refused', 'delivered']);
  });

  it("follows the server's clock if the local one is wrong, for all later posts", async () => {
    const aheadMs = 3_600_000;
    const { url, requests } = await startConnectionsServer(({ headers }, response) => {
      const date = String(headers['x-amz-date']);
      const signedAt = Date.parse(
        date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:'),
      );
      const isLate = Math.abs(signedAt - Date.now() - aheadMs) > 300_000;
      response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
      response.writeHead(isLate ? 403 : 200).end();
    });
    const gateway = gatewayTo(url);
    expect(await gateway.post('c', 'x')).toEqual({ result: 'delivered' });
    expect(await gateway.post('c', 'x')).toEqual({ result: 'delivered' });
    expect(requests).toHaveLength(3);
  });

  it('is refused without a retry if the clock was not the cause', async () => {
    const { url, requests } = await startConnectionsServer((_request, response) => {
      response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      response.writeHead(403).end();
    });
    expect(await gatewayTo(url).post('c', 'x')).toMatchObject({ result: 'refused' });
    expect(requests).toHaveLength(2);
  });
});

describe('an endpoint', () => {
  it('C7 without a trusted certificate is refused at once', async () => {
    const { url } = await startConnectionsServer(undefined, { isSecure: true });
    expect(await gatewayTo(url).post('c', 'x')).toMatchObject({
      result: 'refused',
      error: { code: 'ERR_DELIVERY_FAILED', message: expect.stringContaining('CERT') as string },
    });
  });

  it('that nothing listens on may be retried', async () => {
    const { url, server } = await startConnectionsServer();
    server.close();
    expect(await gatewayTo(url).post('c', 'x')).toMatchObject({
      result: 'retry',
      error: { message: expect.stringContaining('ECONNREFUSED') as string },
    });
  });
});
