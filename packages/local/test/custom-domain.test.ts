import { fileURLToPath } from 'node:url';
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openGateway } from '../src/dev/open-gateway.js';
import { type LocalApi, openLocalApi, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { sendRequest, sendSigned } from './signed-request.js';

beforeAll(() => {
  // The SDK warns that it will drop Node 20, but this package supports it.
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  return () => vi.unstubAllEnvs();
});

function sdkClient({ gateway }: LocalApi, endpoint = gateway.endpoint) {
  return new ApiGatewayManagementApiClient({
    endpoint,
    region: 'us-east-1',
    credentials: gateway.credentials.issue('a test'),
    maxAttempts: 1,
  });
}

describe('a custom domain', () => {
  it.each(['chat', 'a/b', ''])('6.2 has the API at its base path %j', async (basePath) => {
    await using api = await openLocalApi({ basePath });
    const origin = `localhost:${api.gateway.port}`;
    const path = basePath === '' ? '' : `/${basePath}`;
    expect(api.gateway).toMatchObject({
      url: `ws://${origin}${path}`,
      endpoint: `http://${origin}${path}`,
    });
    await using peer = await Peer.connect(api.url);
    await using other = await Peer.connect(`${api.url}/?a=1`);
    expect(other.webSocket.readyState).toBe(other.webSocket.OPEN);
    const ConnectionId = api.handler.events[0]?.requestContext.connectionId;
    const client = sdkClient(api);
    await client.send(new PostToConnectionCommand({ ConnectionId, Data: 'one' }));
    expect(await peer.next()).toBe('one');
    client.destroy();
    expect((await fetch(`${api.gateway.endpoint}/`)).status).toBe(426);
  });

  it('6.2 0.9 does not change the stage in events', async () => {
    await using api = await openLocalApi({ basePath: 'chat', stage: 'prod' });
    await Peer.connect(api.url);
    expect(api.handler.events[0]?.requestContext).toMatchObject({
      stage: 'prod',
      domainName: `localhost:${api.gateway.port}`,
    });
  });

  it('6.2 has no route for posts to the stage if the whole domain is mapped', async () => {
    await using api = await openLocalApi({ basePath: '' });
    await Peer.connect(api.url);
    const ConnectionId = api.handler.events[0]?.requestContext.connectionId ?? '';
    const client = sdkClient(api, `${api.gateway.endpoint}/dev`);
    const post = client.send(new PostToConnectionCommand({ ConnectionId, Data: 'one' }));
    await expect(post).rejects.toMatchObject({
      name: 'NotFoundException',
      message: `No method found matching route dev/@connections/${ConnectionId} for http method POST.`,
      $metadata: { httpStatusCode: 404 },
    });
    client.destroy();
    expect((await refusalOf(`${api.url}/dev`)).status).toBe(403);
  });

  it('6.2 has nothing at the stage if another base path is mapped', async () => {
    await using api = await openLocalApi({ basePath: 'chat' });
    await Peer.connect(api.url);
    const { port, credentials } = api.gateway;
    const id = api.handler.events[0]?.requestContext.connectionId;
    const key = credentials.issue('a test');
    expect(await sendSigned({ port, key, path: `/dev/@connections/${id}` })).toMatchObject({
      status: 403,
      body: '{"message":"Forbidden"}',
    });
    expect((await refusalOf(`ws://localhost:${port}/dev`)).status).toBe(403);
    expect(await sendRequest({ port, path: '/chat/other%' })).toMatchObject({
      status: 404,
      body: '{"message":"No method found matching route other% for http method GET."}',
    });
  });

  it('6.2 works for posts to the stage if the base path has its name', async () => {
    await using api = await openLocalApi({ basePath: 'dev' });
    await using peer = await Peer.connect(`ws://localhost:${api.gateway.port}/dev`);
    const context = api.handler.events[0]?.requestContext;
    const endpoint = `http://${String(context?.['domainName'])}/${String(context?.['stage'])}`;
    const client = sdkClient(api, endpoint);
    const ConnectionId = context?.connectionId;
    await client.send(new PostToConnectionCommand({ ConnectionId, Data: 'one' }));
    expect(await peer.next()).toBe('one');
    client.destroy();
  });

  it('serves files in addition to the API if the whole domain is mapped', async () => {
    const staticDirectory = fileURLToPath(new URL('.', import.meta.url));
    await using api = await openLocalApi({ basePath: '', staticDirectory });
    const { port } = api.gateway;
    expect((await sendRequest({ port, path: '/peer.ts' })).status).toBe(200);
    expect((await sendRequest({ port, path: '/none.ts' })).status).toBe(404);
    expect((await sendRequest({ port, path: '/' })).status).toBe(426);
    expect((await Peer.connect(api.url)).response?.statusCode).toBe(101);
  });

  it('1.6 makes the names of all headers lower-case if the base path has more than one level', async () => {
    const seenBy = async (basePath: string) => {
      const authorizer = new TestFunction(() => ({
        principalId: 'ann',
        policyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
      }));
      await using api = await openLocalApi({
        basePath,
        authorizer: { function: authorizer, identitySources: ['route.request.header.X-Custom'] },
      });
      await Peer.connect(api.url, { headers: { 'X-Custom': 'Value' } });
      return [...authorizer.events, ...api.handler.events].flatMap((event) => {
        expect(Object.keys(event.multiValueHeaders)).toEqual(Object.keys(event.headers));
        return Object.entries(event.headers);
      });
    };
    const names = (entries: [string, string][]) => entries.map(([name]) => name);
    const lower = names(await seenBy('a/b'));
    expect(lower.filter((name) => name !== name.toLowerCase())).toEqual([]);
    const kept = await seenBy('a');
    expect(kept).toContainEqual(['X-Custom', 'Value']);
    expect(lower).toEqual(names(kept).map((name) => name.toLowerCase()));
  });

  it.each(['/chat', 'chat/', 'a//b', 'a b', 'a?b', 'x'.repeat(301)])(
    '7.16 cannot be mapped with the base path %j',
    async (basePath) => {
      await expect(openGateway({ basePath })).rejects.toThrow(
        /^openGateway\(\) was given ".*" as "basePath"\.$/,
      );
    },
  );
});
