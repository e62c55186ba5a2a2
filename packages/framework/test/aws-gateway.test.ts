import { inspect } from 'node:util';
import { awsGateway } from '@gatecast/framework/aws-gateway';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEndpoint } from '../src/deliver/apigw/endpoint.js';
import { connectionsGateway } from '../src/deliver/apigw/post.js';
import { startConnectionsServer } from './connections-server.js';

beforeEach(() => {
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'SESSION-TOKEN-456');
});

afterEach(() => vi.unstubAllEnvs());

describe('the gateway with the AWS SDK, compared with our own', () => {
  it.each([
    [200, ''],
    [204, ''],
    [410, 'GoneException'],
    [429, 'LimitExceededException'],
    [403, 'ForbiddenException'],
    [400, 'BadRequestException'],
    [413, 'PayloadTooLargeException'],
    [500, 'InternalServerError'],
    [503, 'ServiceUnavailable'],
  ])('comes to the same outcome of %i %s', async (status, type) => {
    const { url } = await startConnectionsServer((_request, response) => {
      response.writeHead(status, { 'x-amzn-errortype': type }).end();
    });
    const summaries = await Promise.all(
      [awsGateway(url), connectionsGateway(readEndpoint(url))].map(async (gateway) => {
        const outcome = await gateway.post('a+b=', 'x');
        return {
          result: outcome.result,
          code: 'error' in outcome ? outcome.error.code : undefined,
        };
      }),
    );
    expect(summaries[0]).toEqual(summaries[1]);
  });

  it('C9 sends the same requests', async () => {
    const { url, requests } = await startConnectionsServer();
    for (const gateway of [awsGateway(url), connectionsGateway(readEndpoint(url))]) {
      await gateway.post("a+b/c=!'()*", '{"text":"ä€𝒳"}');
      await gateway.disconnect('Zq3vVcPBIAMCJXA=');
    }
    const parts = requests.map(({ method, url: path, body, headers }) => ({
      method,
      path,
      body,
      scope: /Credential=[^/]+\/\d+\/([^,]+)/.exec(headers.authorization ?? '')?.[1],
    }));
    expect(parts.slice(0, 2)).toEqual(parts.slice(2));
  });

  it('B1 ends with the time limit and with the signal', async () => {
    const { url, requests } = await startConnectionsServer(() => {});
    const gateway = awsGateway(url);
    const limited = await gateway.post('c', 'x', { endsAt: Date.now() + 100 });
    expect(limited).toMatchObject({ result: 'retry', error: { code: 'ERR_DELIVERY_FAILED' } });
    const controller = new AbortController();
    const post = gateway.post('signalled', 'x', { signal: controller.signal });
    await vi.waitFor(() => expect(requests.at(-1)?.url).toContain('signalled'));
    controller.abort();
    expect(await post).toMatchObject({ result: 'retry' });
    const sent = requests.length;
    for (const limit of [{ endsAt: Date.now() - 1 }, { signal: controller.signal }]) {
      expect(await gateway.post('late', 'x', limit)).toMatchObject({ result: 'retry' });
    }
    expect(requests).toHaveLength(sent);
  });

  it('C3 does not show the session token in its errors either', async () => {
    const { url } = await startConnectionsServer(({ headers }, response) => {
      response.writeHead(403, { 'x-amzn-errortype': 'InvalidSignatureException' });
      response.end(JSON.stringify({ message: `token:${String(headers['x-amz-security-token'])}` }));
    });
    const outcome = await awsGateway(url).post('c', 'x');
    expect(outcome).toMatchObject({ result: 'refused' });
    expect(inspect(outcome, { depth: null })).not.toContain('SESSION-TOKEN-456');
  });

  it('C7 refuses an invalid endpoint at once', () => {
    expect(() => awsGateway('wss://ws.example.com')).toThrow(
      expect.objectContaining({ code: 'ERR_ENDPOINT_INVALID' }) as Error,
    );
  });
});
