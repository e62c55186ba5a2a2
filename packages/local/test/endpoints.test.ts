import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalGateway, startGateway } from '../src/dev/start-gateway.js';
import { executeApiHost, isExecuteApi } from '../src/execute-api-host.js';
import type { GatewayEvent } from '../src/gateway/events.js';
import { openConnection } from './open-connection.js';

const entry = fileURLToPath(new URL('fixtures/endpoints.mjs', import.meta.url));
const patience = { timeout: 20_000, interval: 50 };
const WEBSOCKET_URL = 'wss://local00000.execute-api.us-east-1.amazonaws.com/dev';

const events: GatewayEvent[] = [];
let gateway: LocalGateway;

beforeAll(async () => {
  gateway = await startGateway({
    quiet: true,
    entry,
    routes: ['$default', { routeKey: 'ask', twoWay: true }],
    environment: { WEBSOCKET_URL },
    localPagesOnly: true,
    onEvent: (event) => events.push(event),
  });
}, 60_000);

afterAll(() => gateway.close());

/** Lets the function post, and returns what the client gets. */
async function posted(how: string, by: string, region?: string): Promise<string> {
  await using connection = await openConnection(gateway.url);
  connection.send(JSON.stringify({ how, by, region }));
  return await connection.receive();
}

/** Lets the function post, which fails, and returns the line's end. */
async function lineOf(message: object): Promise<string> {
  await using connection = await openConnection(gateway.url);
  const before = events.length;
  connection.send(JSON.stringify(message));
  return await vi.waitFor(() => {
    const [event] = events.slice(before);
    return event?.detail ?? Promise.reject(new Error('There is no event yet.'));
  }, patience);
}

describe('I1 a function reaches the gateway', { timeout: 60_000 }, () => {
  it.each([
    ['domainName', 'sdk'],
    ['eventFields', 'sdk'],
    ['eventFields', 'https'],
    ['eventFields', 'fetch'],
    ['eventFields', 'tls'],
    ['eventFields', 'webSocket'],
    ['dualStack', 'https'],
    ['variable', 'sdk'],
    ['variable', 'fetch'],
    ['ownRegion', 'sdk', 'eu-west-1'],
  ])('by an endpoint from %s, with %s', async (how, by, region?: string) => {
    expect(await posted(how, by, region)).toBe(`${how} ${by}`);
  });

  it('by its own name beside a custom domain', async () => {
    await using mapped = await startGateway({
      quiet: true,
      entry,
      routes: ['$default'],
      basePath: 'chat',
    });
    await using connection = await openConnection(mapped.url);
    connection.send(JSON.stringify({ how: 'eventFields', by: 'sdk' }));
    expect(await connection.receive()).toBe('eventFields sdk');
  });

  it.each([
    ['AbCdE12345.execute-api.us-east-1.amazonaws.com', 'us-east-1'],
    ['abcde12345.execute-api.eu-west-1.amazonaws.com:443', 'eu-west-1'],
    ['abcde12345.execute-api.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['abcde12345.execute-api.us-east-1.api.aws', 'us-east-1'],
  ])('by the name %s', (host, region) => {
    expect(executeApiHost(host)).toEqual({ apiId: 'abcde12345', region });
  });

  it.each([
    undefined,
    'localhost:3000',
    'execute-api.us-east-1.amazonaws.com',
    'abcde12345.execute-api.us-east-1.amazonaws.com.example',
    'abcde12345-vpce-1.execute-api.us-east-1.amazonaws.com',
    'dynamodb.us-east-1.amazonaws.com',
  ])('but %s is another host', (host) => {
    expect(executeApiHost(host)).toBeUndefined();
  });
});

describe('I1 the line of an event', { timeout: 60_000 }, () => {
  const toWrongRegion = { how: 'eventFields', region: 'eu-west-1' };
  const cause = '@connections answered 403 InvalidSignatureException';

  it.each(['sdk', 'https', 'fetch'])('says why the function failed: %s', async (by) => {
    expect(await lineOf({ ...toWrongRegion, by })).toBe(
      `500: the client does not get this answer; ${cause}`,
    );
  });

  it('does not say that of a two-way route, or of a later invocation', async () => {
    expect(await lineOf({ action: 'ask', ...toWrongRegion, by: 'sdk' })).toBe(`500: ${cause}`);
    expect(await lineOf({ action: 'ask', how: 'eventFields', by: 'none' })).toBe('500');
    expect(await lineOf({ action: 'ask', how: 'eventFields', by: 'sdk' })).toBe('200');
  });
});

it.each([
  ['execute-api.us-east-1.amazonaws.com', true],
  ['other00000.execute-api.cn-north-1.amazonaws.com.cn', true],
  ['dynamodb.us-east-1.amazonaws.com', false],
  [undefined, false],
])('I1 %s is a host of API Gateway: %s', (host, expected) => {
  // The first one is that of an AWS SDK without an endpoint, which no API has.
  expect(isExecuteApi(host)).toBe(expected);
});

describe('I1 a function that connects to another API', { timeout: 60_000 }, () => {
  it('does so, and the terminal says it once', async () => {
    const lines: string[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      lines.push(String(text));
      return true;
    });
    try {
      const message = { how: 'otherApi', by: 'https' };
      await lineOf(message);
      await lineOf(message);
    } finally {
      write.mockRestore();
    }
    const about = lines.filter((line) => line.includes('other00000'));
    expect(about).toEqual([
      'The function "endpoints" connects to "other00000.execute-api.us-east-1.amazonaws.com". That is not ' +
        'the local API, whose id is "local00000", so nothing that it posts there arrives here. Use ' +
        '"requestContext.domainName" of the event, or that id.\n',
    ]);
  });
});
