import { describe, expect, it, vi } from 'vitest';
import type { AwsService } from '../src/gateway/aws-service.js';
import type { GatewayRoute } from '../src/gateway/deployment.js';
import type { Quirks } from '../src/gateway/options.js';
import type {
  Integration,
  IntegrationResponse,
} from '../src/gateway/routes/integration-options.js';
import { type LocalApi, openLocalApi } from './local-api.js';
import { Peer, refusalOf } from './peer.js';

const uri = (rest: string): string => `arn:aws:apigateway:eu-west-1:${rest}`;

/** An integration with an operation whose input is the template, and responses by key and template. */
function operation(
  name: string,
  template = '{}',
  responses: Readonly<Record<string, string>> = {},
): Integration {
  return {
    type: 'AWS',
    integrationUri: uri(`dynamodb:action/${name}`),
    requestTemplates: { $default: template },
    responses: Object.entries(responses).map(
      ([integrationResponseKey, text]): IntegrationResponse => ({
        integrationResponseKey,
        responseTemplates: text === '' ? undefined : { $default: text },
      }),
    ),
  };
}

const error = {
  status: 400,
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"secret"}',
};

interface Served {
  readonly routes: readonly GatewayRoute[];
  readonly quirks?: Quirks;
}

/** An API with a service that records its calls. */
async function serve(dynamodb: AwsService, { routes, quirks }: Served) {
  const calls: [string, string][] = [];
  const api = await openLocalApi({
    routes,
    quirks,
    services: {
      dynamodb: (name, body) => {
        calls.push([name, body]);
        return dynamodb(name, body);
      },
    },
  });
  return Object.assign(api, { calls });
}

const ok: AwsService = async () => ({ status: 200, body: '{"Item":{"name":{"S":"Ann"}}}' });
const refuses: AwsService = async () => error;
const unreachable: AwsService = () => Promise.reject(new Error('nobody is there'));

/** The answer to one message. */
async function answer(api: LocalApi): Promise<string> {
  await using peer = await Peer.connect(api.url);
  peer.send({ key: 'a"b' });
  return await peer.next();
}

describe('a message to an operation of a service', () => {
  const route = (integration: Integration, twoWay = true) => ({
    routes: [{ routeKey: '$default', twoWay, integration }],
  });

  it('8.9 sends it the output of the request template, without a function', async () => {
    const get = operation('GetItem', '{"Key":{"pk":{"S":"$context.connectionId"}}}', {
      '/2\\d\\d/': "Hello, $input.path('$.Item.name.S')! $context.status",
    });
    await using api = await serve(ok, route(get));
    expect(await answer(api)).toBe('Hello, Ann! 200');
    const connectionId = api.log[0]?.connectionId;
    expect(api.calls).toEqual([['GetItem', `{"Key":{"pk":{"S":"${connectionId}"}}}`]]);
    expect(api.handler.events).toEqual([]);
    expect(api.log).toMatchObject([{ result: 'ok', detail: '200 of dynamodb:GetItem' }]);
  });

  it('8.9 passes the message on without a template, and the answer, too', async () => {
    const put = { ...operation('PutItem', '', { $default: '' }), requestTemplates: {} };
    await using api = await serve(ok, route(put));
    expect(await answer(api)).toBe('{"Item":{"name":{"S":"Ann"}}}');
    expect(api.calls).toEqual([['PutItem', '{"key":"a\\"b"}']]);
  });

  it('8.12 has the response for its status, in which the template reads the error', async () => {
    const responses = { '/2\\d\\d/': 'fine', '/4\\d\\d/': "$input.path('$.__type').length()" };
    await using api = await serve(refuses, route(operation('PutItem', '{}', responses)));
    expect(await answer(api)).toBe(
      String('com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException'.length),
    );
    // Never the message, which may have values of the request in it.
    const detail = 'dynamodb:PutItem answered 400 ConditionalCheckFailedException';
    expect(api.log).toMatchObject([{ result: 'failed', detail }]);
  });

  it.each([
    ['/2\\d\\d/', 'dynamodb:PutItem answered 400 ConditionalCheckFailedException, and no'],
    ['/5\\d\\d/', 'dynamodb:PutItem answered 400 ConditionalCheckFailedException, and no'],
  ])('8.12 fails if no response is for its status, only %s', async (key, detail) => {
    await using api = await serve(refuses, route(operation('PutItem', '{}', { [key]: 'x' })));
    expect(await answer(api)).toContain('"Internal server error"');
    expect(api.log).toMatchObject([
      { result: 'failed', detail: `${detail} integration response matches that status.` },
    ]);
  });

  it('8.12 fails if there is no integration response at all', async () => {
    await using api = await serve(ok, route(operation('GetItem')));
    expect(await answer(api)).toContain('"Internal server error"');
    expect(api.log[0]?.detail).toContain('No integration response matches "200"');
  });

  it('8.14 that is one-way gets no answer, whatever happened, but the log has it', async () => {
    for (const [service, detail] of [
      [ok, '200 of dynamodb:PutItem'],
      [refuses, 'dynamodb:PutItem answered 400 ConditionalCheckFailedException'],
    ] as const) {
      await using api = await serve(service, route(operation('PutItem'), false));
      await using peer = await Peer.connect(api.url);
      peer.send('{}');
      await vi.waitFor(() => expect(api.log).toMatchObject([{ detail }]));
      peer.webSocket.close();
      await peer.closed;
    }
  });

  it('8.20 fails if the service cannot be reached or the template fails', async () => {
    await using api = await serve(unreachable, route(operation('PutItem', '{}', { $default: '' })));
    expect(await answer(api)).toContain('"Internal server error"');
    const detail = 'dynamodb:PutItem could not be called: nobody is there';
    expect(api.log).toMatchObject([{ result: 'failed', detail }]);
    const broken = operation('PutItem', "$input.json('x')", { $default: '' });
    await using other = await serve(ok, route(broken));
    expect(await answer(other)).toContain('"Internal server error"');
    expect(other.calls).toEqual([]);
  });

  it('5.8 takes at most as long as its route allows', async () => {
    const integration = operation('Query', '{}', { $default: '' });
    const routes = [{ routeKey: '$default', twoWay: true, timeoutMs: 50, integration }];
    await using api = await serve(() => new Promise(() => {}), { routes });
    expect(await answer(api)).toContain('"Endpoint request timed out"');
    const detail = 'dynamodb:Query did not answer in time.';
    expect(api.log).toMatchObject([{ result: 'timed out', detail }]);
  });
});

describe('$connect by an operation of a service', () => {
  const connect = (responses: Readonly<Record<string, string>>, quirks: Quirks = {}): Served => ({
    routes: [{ routeKey: '$connect', integration: operation('PutItem', '{}', responses) }],
    quirks,
  });

  it.each(['/2\\d\\d/', '/200/', '$default'])('8.10 accepts by the response %s', async (key) => {
    await using api = await serve(ok, connect({ [key]: '' }));
    await using peer = await Peer.connect(api.url);
    expect(peer.response?.statusCode).toBe(101);
    expect(api.log).toMatchObject([{ result: 'ok', detail: '200 of dynamodb:PutItem' }]);
  });

  it.each([
    ['no response at all', ok, {}, 500],
    ['an error without a response for it', refuses, { '/2\\d\\d/': '' }, 500],
    ['a service that cannot be reached', unreachable, { $default: '' }, 502],
  ])('8.10 refuses for %s', async (_what, service, responses, status) => {
    await using api = await serve(service, connect(responses));
    expect((await refusalOf(api.url)).status).toBe(status);
    expect(api.log).toMatchObject([{ route: '$connect', result: 'failed' }]);
  });

  it('8.18 refuses for an error with a response, unless the quirk is on', async () => {
    for (const key of ['/4\\d\\d/', '$default']) {
      await using api = await serve(refuses, connect({ [key]: '' }));
      expect((await refusalOf(api.url)).status).toBe(502);
      await using lenient = await serve(
        refuses,
        connect({ [key]: '' }, { failedConnects: 'accept' }),
      );
      await using peer = await Peer.connect(lenient.url);
      expect(peer.response?.statusCode).toBe(101);
      const detail = 'dynamodb:PutItem answered 400 ConditionalCheckFailedException';
      expect(lenient.log).toMatchObject([{ result: 'failed', detail }]);
    }
  });

  it('8.18 is the same for a function that fails', async () => {
    const respond = () => {
      throw new Error('broken');
    };
    const responses = [{ integrationResponseKey: '$default' }];
    const routes: GatewayRoute[] = [
      { routeKey: '$connect', integration: { type: 'AWS', responses } },
    ];
    await using api = await openLocalApi({ respond, routes, quirks: { failedConnects: 'accept' } });
    await using peer = await Peer.connect(api.url);
    expect(peer.response?.statusCode).toBe(101);
  });
});

it('8.9 $disconnect calls the operation after the end, and its errors are only reported', async () => {
  const integration = operation('UpdateItem', '{"id":"$context.connectionId"}');
  const routes = [{ routeKey: '$disconnect', integration }];
  await using api = await serve(refuses, { routes });
  await using peer = await Peer.connect(api.url);
  peer.webSocket.close();
  await peer.closed;
  const detail = 'dynamodb:UpdateItem answered 400 ConditionalCheckFailedException';
  await vi.waitFor(() =>
    expect(api.log).toMatchObject([{ route: '$disconnect', result: 'failed', detail }]),
  );
  expect(api.calls).toEqual([['UpdateItem', `{"id":"${api.log[0]?.connectionId}"}`]]);
});

describe('8.9 an integration URI is refused', () => {
  it.each([
    ['of a service that is not there', uri('sqs:action/SendMessage')],
    ['with a path', uri('dynamodb:path/x')],
    ['of a function', uri('lambda:path/2015-03-31/functions/arn/invocations')],
    ['that a member of every object has', uri('toString:action/X')],
    ['with another scheme', 'https://example.com'],
  ])('%s', async (_what, integrationUri) => {
    const integration: Integration = { ...operation('PutItem'), integrationUri };
    await expect(serve(ok, { routes: [{ routeKey: 'a', integration }] })).rejects.toThrow(
      `The integration URI "${integrationUri}" of the integration of the route "a" does not lead to ` +
        'an operation of a service that runs locally: "dynamodb". Use "arn:aws:apigateway:REGION:',
    );
  });
});
