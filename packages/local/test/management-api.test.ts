import { Agent } from 'node:https';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalApi, type LocalApiOptions, openLocalApi } from './local-api.js';
import { Peer, type PeerOptions } from './peer.js';
import { sendRequest, sendSigned } from './signed-request.js';

const KB = 1024;
const unknownId = 'AAAAAAAAAAACAAA=';

beforeAll(() => {
  // The SDK warns that it will drop Node 20, but this package supports it.
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  return () => vi.unstubAllEnvs();
});

function sdkClient({ gateway }: LocalApi, scheme = 'http'): ApiGatewayManagementApiClient {
  return new ApiGatewayManagementApiClient({
    endpoint: gateway.endpoint.replace('http', scheme),
    region: 'us-east-1',
    credentials: gateway.credentials.issue('a test'),
    maxAttempts: 1,
    requestHandler: { httpsAgent: new Agent({ ca: gateway.certificate }) },
  });
}

/** A connection, its id, and a client of the SDK. */
async function openAll(options: LocalApiOptions = {}, peerOptions: PeerOptions = {}) {
  const api = await openLocalApi(options);
  const peer = await Peer.connect(api.url, peerOptions);
  const ConnectionId = api.handler.events[0]?.requestContext.connectionId ?? '';
  const client = sdkClient(api);
  return {
    api,
    peer,
    client,
    ConnectionId,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await api.gateway.close();
    },
  };
}

describe('@connections, through the AWS SDK', () => {
  it.each(['http', 'https'])('6.1 6.7 6.8 posts a text frame over %s', async (scheme) => {
    await using all = await openAll();
    const client = sdkClient(all.api, scheme);
    const { ConnectionId } = all;
    const received = new Promise((resolve) => {
      all.peer.webSocket.once('message', (data: Buffer, isBinary) =>
        resolve([data.toString(), isBinary]),
      );
    });
    const Data = '{"text": "é"}';
    const { $metadata } = await client.send(new PostToConnectionCommand({ ConnectionId, Data }));
    expect($metadata.httpStatusCode).toBe(200);
    expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await received).toEqual([Data, false]);
    client.destroy();
  });

  it('6.3 accepts an id whose "=" is sent as %3D', async () => {
    await using all = await openAll();
    const paths: string[] = [];
    all.client.middlewareStack.add(
      (next) => (args) => {
        paths.push((args.request as { path: string }).path);
        return next(args);
      },
      { step: 'finalizeRequest' },
    );
    const { ConnectionId } = all;
    await all.client.send(new PostToConnectionCommand({ ConnectionId, Data: 'one' }));
    expect(paths).toEqual([`/dev/@connections/${ConnectionId.replace('=', '%3D')}`]);
    expect(await all.peer.next()).toBe('one');
  });

  it('6.9 posts 128 KB', async () => {
    await using all = await openAll();
    const { ConnectionId } = all;
    const Data = 'x'.repeat(128 * KB);
    await all.client.send(new PostToConnectionCommand({ ConnectionId, Data }));
    expect(await all.peer.next()).toHaveLength(128 * KB);
  });

  it('6.9 refuses more than 128 KB with 413', async () => {
    await using all = await openAll();
    const { ConnectionId } = all;
    for (const size of [128 * KB + 1, 12 * KB * KB]) {
      const Data = 'x'.repeat(size);
      const posted = all.client.send(new PostToConnectionCommand({ ConnectionId, Data }));
      await expect(posted).rejects.toMatchObject({
        name: 'PayloadTooLargeException',
        $metadata: { httpStatusCode: 413 },
      });
    }
    await all.client.send(new PostToConnectionCommand({ ConnectionId, Data: 'small' }));
    expect(await all.peer.next()).toBe('small');
  });

  it.each([unknownId, 'x', '%', 'not an id/../at all'])(
    '6.10 6.11 answers 410 for the id %j to every request',
    async (ConnectionId) => {
      await using all = await openAll();
      const gone = { name: 'GoneException', $metadata: { httpStatusCode: 410 } };
      const post = new PostToConnectionCommand({ ConnectionId, Data: 'one' });
      await expect(all.client.send(post)).rejects.toMatchObject(gone);
      const get = new GetConnectionCommand({ ConnectionId });
      await expect(all.client.send(get)).rejects.toMatchObject(gone);
      const remove = new DeleteConnectionCommand({ ConnectionId });
      await expect(all.client.send(remove)).rejects.toMatchObject(gone);
    },
  );

  it('6.10 answers 410 once the client has closed', async () => {
    await using all = await openAll();
    const { api, client, peer, ConnectionId } = all;
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    const post = new PostToConnectionCommand({ ConnectionId, Data: 'one' });
    await expect(client.send(post)).rejects.toMatchObject({ name: 'GoneException' });
  });

  it('6.13 returns the start, the address and the last activity of a connection', async () => {
    let now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    const headers = { 'User-Agent': 'test/1' };
    await using all = await openAll({ now: () => now }, { headers });
    const { ConnectionId } = all;
    now += 1_000;
    const found = await all.client.send(new GetConnectionCommand({ ConnectionId }));
    expect(found).toMatchObject({
      ConnectedAt: new Date('2026-01-02T03:04:05.678Z'),
      Identity: { SourceIp: '127.0.0.1', UserAgent: 'test/1' },
      LastActiveAt: new Date('2026-01-02T03:04:05.678Z'),
    });
  });

  it('6.14 6.21 counts messages both ways as activity', async () => {
    let now = Date.UTC(2026, 0, 1);
    await using all = await openAll({ now: () => now });
    const { api, client, peer, ConnectionId } = all;
    const lastActiveAt = async () => {
      now += 1_000;
      const { LastActiveAt } = await client.send(new GetConnectionCommand({ ConnectionId }));
      return LastActiveAt?.getTime();
    };
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    const received = now;
    expect(await lastActiveAt()).toBe(received);
    await client.send(new PostToConnectionCommand({ ConnectionId, Data: 'one' }));
    const posted = now;
    expect(await lastActiveAt()).toBe(posted);
  });

  it('6.15 6.16 1.26 disconnects with 1000, which $disconnect gets, too', async () => {
    await using all = await openAll();
    const { api, client, peer, ConnectionId } = all;
    const { $metadata } = await client.send(new DeleteConnectionCommand({ ConnectionId }));
    expect($metadata.httpStatusCode).toBe(204);
    expect((await peer.closed).code).toBe(1000);
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1000,
      disconnectReason: 'Connection Closed Normally',
    });
  });

  it('6.17 answers 410 to requests after a disconnect', async () => {
    await using all = await openAll();
    const { client, ConnectionId } = all;
    // Even if the client does not answer the close frame, it is gone for the gateway.
    all.peer.webSocket.pause();
    await client.send(new DeleteConnectionCommand({ ConnectionId }));
    const remove = new DeleteConnectionCommand({ ConnectionId });
    await expect(client.send(remove)).rejects.toMatchObject({ name: 'GoneException' });
    const post = new PostToConnectionCommand({ ConnectionId, Data: 'one' });
    await expect(client.send(post)).rejects.toMatchObject({ name: 'GoneException' });
  });

  it('6.19 keeps the order of awaited posts', async () => {
    await using all = await openAll();
    const { client, peer, ConnectionId } = all;
    for (const Data of ['1', '2', '3']) {
      await client.send(new PostToConnectionCommand({ ConnectionId, Data }));
    }
    expect([await peer.next(), await peer.next(), await peer.next()]).toEqual(['1', '2', '3']);
  });

  it('3.14 3.15 answers 410 while $connect is running, and not after it', async () => {
    const outcomes: string[] = [];
    const attempt = (call: Promise<unknown>) =>
      call.then(
        () => outcomes.push('ok'),
        (error: Error) => outcomes.push(error.name),
      );
    await using api = await openLocalApi({
      respond: async ({ requestContext }) => {
        const { routeKey, connectionId: ConnectionId } = requestContext;
        if (routeKey !== '$connect') return { statusCode: 200 };
        await attempt(client.send(new PostToConnectionCommand({ ConnectionId, Data: 'early' })));
        await attempt(client.send(new GetConnectionCommand({ ConnectionId })));
        return { statusCode: 200 };
      },
    });
    const client = sdkClient(api);
    const peer = await Peer.connect(api.url);
    const ConnectionId = api.handler.events[0]?.requestContext.connectionId ?? '';
    await attempt(client.send(new PostToConnectionCommand({ ConnectionId, Data: 'late' })));
    expect(outcomes).toEqual(['GoneException', 'GoneException', 'ok']);
    expect(await peer.next()).toBe('late');
    client.destroy();
  });
});

describe('@connections, byte by byte', () => {
  it.each(['@connections', '%40connections'])(
    '6.3 accepts %s, and an id with a plain "="',
    async (name) => {
      await using all = await openAll();
      const { api, peer, ConnectionId } = all;
      const { port, credentials } = api.gateway;
      const key = credentials.issue('a test');
      for (const id of [ConnectionId, encodeURIComponent(ConnectionId)]) {
        const path = `/dev/${name}/${id}`;
        expect(await sendSigned({ port, key, path, body: id })).toMatchObject({
          status: 200,
          body: '',
        });
        expect(await peer.next()).toBe(id);
      }
    },
  );

  it('6.10 answers 410 with the type of the error in a header and an empty body', async () => {
    await using all = await openAll();
    const { port, credentials } = all.api.gateway;
    const path = `/dev/@connections/${unknownId}`;
    const key = credentials.issue('a test');
    for (const method of ['POST', 'GET', 'DELETE']) {
      const { status, headers, body } = await sendSigned({ port, key, path, method });
      expect([status, headers['x-amzn-errortype'], body]).toEqual([410, 'GoneException', '']);
      expect(headers['content-length']).toBe('0');
    }
  });

  it('6.13 has the names and times of AWS, without a missing user agent', async () => {
    const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    await using all = await openAll({ now: () => now });
    const { port, credentials } = all.api.gateway;
    const path = `/dev/@connections/${all.ConnectionId}`;
    const key = credentials.issue('a test');
    const { headers, body } = await sendSigned({ port, key, path, method: 'GET' });
    expect(headers['content-type']).toBe('application/json');
    expect(body).toBe(
      '{"connectedAt":"2026-01-02T03:04:05.678Z","identity":{"sourceIp":"127.0.0.1"},"lastActiveAt":"2026-01-02T03:04:05.678Z"}',
    );
  });

  it('6.6 answers 403 Forbidden in another stage or without a stage', async () => {
    await using all = await openAll();
    const { port, credentials } = all.api.gateway;
    const key = credentials.issue('a test');
    for (const stage of ['/prod', '', '/']) {
      const path = `${stage}/@connections/${all.ConnectionId}`;
      const response = await sendSigned({ port, key, path });
      expect(response).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' });
    }
  });

  it('6.18 answers 403 to other methods and other paths', async () => {
    await using all = await openAll();
    const { port, credentials } = all.api.gateway;
    const key = credentials.issue('a test');
    const path = `/dev/@connections/${all.ConnectionId}`;
    const missing = { status: 403, body: '{"message":"Missing Authentication Token"}' };
    expect(await sendSigned({ port, key, path, method: 'PUT' })).toMatchObject(missing);
    expect(await sendSigned({ port, key, path: '/dev/other' })).toMatchObject(missing);
    expect(await sendSigned({ port, key, path: `${path}/more` })).toMatchObject(missing);
    expect(await sendRequest({ port, path: '/dev/other', method: 'POST' })).toMatchObject(missing);
  });
});

describe('a client that does not read', () => {
  it('I5 6.22 is posted to until its buffer is full, and again when it has read', async () => {
    await using all = await openAll();
    const { port, credentials } = all.api.gateway;
    const request = {
      port,
      key: credentials.issue('a test'),
      path: `/dev/@connections/${all.ConnectionId}`,
      body: 'x'.repeat(128 * KB),
    };
    all.peer.webSocket.pause();
    let posts = 0;
    let response = await sendSigned(request);
    // The buffers of the system may hold some megabytes, too.
    for (; response.status === 200 && posts < 400; posts++) response = await sendSigned(request);
    expect(response).toMatchObject({
      status: 429,
      headers: { 'x-amzn-errortype': 'LimitExceededException' },
    });
    all.peer.webSocket.resume();
    for (let n = 0; n < posts; n++) await all.peer.next();
    await vi.waitFor(async () => expect(await sendSigned(request)).toMatchObject({ status: 200 }));
  });

  it('I5 asks for no more answers until it has read', async () => {
    const body = 'x'.repeat(100 * KB);
    await using all = await openAll({
      respond: () => ({ statusCode: 200, body }),
      routes: ['$connect', { routeKey: '$default', twoWay: true }],
    });
    const count = () => all.api.handler.of('$default').length;
    all.peer.webSocket.pause();
    for (let n = 0; n < 300; n++) all.peer.send('m'.repeat(16 * KB));
    let before = -1;
    await vi.waitFor(
      () => {
        const seen = before;
        before = count();
        expect(seen).toBe(before);
      },
      { timeout: 10_000, interval: 300 },
    );
    expect(count()).toBeLessThan(300);
    all.peer.webSocket.resume();
    for (let n = 0; n < 300; n++) expect(await all.peer.next()).toHaveLength(body.length);
  });
});
