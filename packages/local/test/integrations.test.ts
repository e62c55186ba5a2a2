import { describe, expect, it, vi } from 'vitest';
import { openGateway } from '../src/dev/open-gateway.js';
import type { GatewayRoute } from '../src/gateway/deployment.js';
import type { GatewayEvent } from '../src/gateway/events.js';
import type { LambdaFunction } from '../src/gateway/lambda-function.js';
import type {
  Integration,
  IntegrationResponse,
} from '../src/gateway/routes/integration-options.js';
import { decodeBase64 } from '../src/gateway/routes/non-proxy/integration-response.js';
import { type LocalApiOptions, openLocalApi } from './local-api.js';
import { Peer, refusalOf } from './peer.js';

const ok = { $default: '{"statusCode":200}' };
const mock: Integration = { type: 'MOCK', requestTemplates: ok };

/** Answers with the event of the function. */
const echo = (event: unknown) => event;

/** An integration response for every result, with or without a template. */
function always(template?: string): readonly IntegrationResponse[] {
  const responseTemplates = template === undefined ? undefined : { $default: template };
  return [{ integrationResponseKey: '$default', responseTemplates }];
}

interface Sent {
  readonly integration: Integration;
  readonly respond?: LocalApiOptions['respond'];
  readonly twoWay?: boolean;
}

/** The frame for each message, and the events of the function. */
async function send({ integration, respond = echo, twoWay = true }: Sent, messages: unknown[]) {
  await using api = await openLocalApi({
    respond,
    routes: [
      { routeKey: '$default', twoWay, integration },
      { routeKey: 'last', twoWay: true, integration: 'mock', response: 'last' },
    ],
  });
  await using peer = await Peer.connect(api.url);
  const frames: string[] = [];
  for (const [index, message] of messages.entries()) {
    peer.send(typeof message === 'string' ? message : (message as object));
    await vi.waitFor(() => expect(api.log).toHaveLength(index + 1));
  }
  peer.send({ action: 'last' });
  for (;;) {
    const frame = await peer.next();
    if (frame === 'last') return { frames, events: api.handler.events as unknown[], log: api.log };
    frames.push(frame);
  }
}

/** The result of a handshake: the status of a refusal, or `open`. */
async function connect(
  integration: GatewayRoute['integration'],
  respond?: LocalApiOptions['respond'],
) {
  await using api = await openLocalApi({
    respond: respond ?? (() => ({})),
    routes: [{ routeKey: '$connect', integration }],
  });
  try {
    await Peer.connect(api.url);
    return 'open';
  } catch {
    return (await refusalOf(api.url)).status;
  }
}

const internalError = expect.stringMatching(
  /^\{"message": "Internal server error", "connectionId":"/,
);

describe('an integration', () => {
  it('8 answers ping by the smallest recipe, without a function', async () => {
    await using api = await openLocalApi({
      routes: [
        {
          routeKey: 'ping',
          twoWay: true,
          integration: {
            type: 'MOCK',
            requestTemplates: { $default: '{"statusCode":200}' },
            templateSelectionExpression: '\\$default',
            passthroughBehavior: 'WHEN_NO_MATCH',
            responses: [
              {
                integrationResponseKey: '$default',
                responseTemplates: { $default: '{"type":"pong"}' },
                templateSelectionExpression: '\\$default',
              },
            ],
          },
        },
      ],
    });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'ping' });
    expect(await peer.next()).toBe('{"type":"pong"}');
    expect(api.handler.events).toEqual([]);
    expect(api.log).toMatchObject([{ route: 'ping', result: 'ok', detail: '200' }]);
  });

  it('8.1 of the type AWS_PROXY is the same as the short form lambda', async () => {
    const respond = () => ({ statusCode: 200, body: 'hello' });
    const { frames, events } = await send({ integration: { type: 'AWS_PROXY' }, respond }, ['x']);
    expect(frames).toEqual(['hello']);
    expect(events).toMatchObject([{ body: 'x', requestContext: { routeKey: '$default' } }]);
  });

  it('8.1 may serve many routes', async () => {
    const integration: Integration = { ...mock, responses: always('$context.routeKey') };
    await using api = await openLocalApi({
      routes: ['a', 'b'].map((routeKey) => ({ routeKey, twoWay: true, integration })),
    });
    await using peer = await Peer.connect(api.url);
    for (const action of ['a', 'b']) {
      peer.send({ action });
      expect(await peer.next()).toBe(action);
    }
  });

  it.each(['HTTP', 'HTTP_PROXY', 'LAMBDA'])(
    '8.1 of the type %s is refused with the supported types',
    async (type) => {
      const integration = { type } as unknown as Integration;
      await expect(openLocalApi({ routes: [{ routeKey: 'a', integration }] })).rejects.toThrow(
        `The route "a" has an integration of the type "${type}", which the local gateway does not ` +
          'support. Use "AWS_PROXY" or "AWS" for a Lambda function, or "MOCK".',
      );
    },
  );
});

describe('the request template', () => {
  const templates = {
    create: '{"made":1}',
    'a-b': '{"mixed":1}',
    fixed: '{"fixed":1}',
    'application/json': '{"json":1}',
    $default: '{"other":1}',
  };

  it.each([
    ['${request.body.kind}', { kind: 'create' }, { made: 1 }],
    ['$request.body.kind', { kind: 'unknown' }, { other: 1 }],
    ['${request.body.a}-${request.body.b}', { a: 'a', b: 'b' }, { mixed: 1 }],
    ['fixed', {}, { fixed: 1 }],
    ['fixed', 'no JSON', { fixed: 1 }],
    ['\\$default', {}, { other: 1 }],
    ['$default', {}, { other: 1 }],
    [undefined, {}, { json: 1 }],
  ])('8.2 is chosen by the expression %s for %j', async (expression, message, expected) => {
    const integration: Integration = {
      type: 'AWS',
      requestTemplates: templates,
      templateSelectionExpression: expression,
      responses: always(),
    };
    expect((await send({ integration }, [message])).events).toEqual([expected]);
  });

  it('8.2 is the one with the key $default without an expression and a matching type', async () => {
    const requestTemplates = { $default: '{"other":1}' };
    const integration: Integration = { type: 'AWS', requestTemplates, responses: always() };
    expect((await send({ integration }, ['x'])).events).toEqual([{ other: 1 }]);
  });

  it.each(['$default', '\\$default'])('8.3 may have its key spelled %s', async (key) => {
    const integration: Integration = {
      type: 'AWS',
      requestTemplates: { [key]: '{"other":1}' },
      templateSelectionExpression: '\\$default',
      responses: always(),
    };
    expect((await send({ integration }, ['x'])).events).toEqual([{ other: 1 }]);
  });

  const body = { a: 1 };
  const one = { some: '{}' };
  const unsupported = '{"message": "Unsupported Media Type", "connectionId":';
  it.each([
    [undefined, one, '{"a":1}'],
    ['WHEN_NO_MATCH', one, '{"a":1}'],
    ['WHEN_NO_TEMPLATES', undefined, '{"a":1}'],
    ['WHEN_NO_TEMPLATES', one, unsupported],
    ['NEVER', undefined, unsupported],
  ] as const)(
    '8.4 when none matches and the passthrough behavior is %s with the templates %j, the frame is %s',
    async (passthroughBehavior, requestTemplates, expected) => {
      const integration: Integration = {
        type: 'AWS',
        passthroughBehavior,
        requestTemplates,
        responses: always(),
      };
      const { frames, events } = await send({ integration }, [body]);
      expect(events).toEqual(expected === unsupported ? [] : [body]);
      expect(frames).toEqual([expect.stringContaining(expected)]);
    },
  );

  it('8.4 a function is not called if its input is not JSON', async () => {
    const integration: Integration = { type: 'AWS', responses: always() };
    const { frames, events, log } = await send({ integration }, ['hello']);
    expect(frames).toEqual([internalError]);
    expect(events).toEqual([]);
    expect(log[0]?.detail).toContain('A Lambda function takes JSON, and was to get 5 characters');
    expect(log[0]?.detail).not.toContain('hello');
  });

  it('8 that is invalid is refused with its place, and so is an invalid expression', async () => {
    const broken: Integration = { type: 'AWS', requestTemplates: { $default: '#foreach($a in' } };
    await expect(
      openLocalApi({ routes: [{ routeKey: 'a', integration: broken }] }),
    ).rejects.toThrow(
      'The template "$default" of the integration of the route "a" cannot be read. Parse error',
    );
    const templateSelectionExpression = '$response.status.code';
    const integration: Integration = { type: 'AWS', templateSelectionExpression };
    await expect(openLocalApi({ routes: [{ routeKey: 'a', integration }] })).rejects.toThrow(
      'The template selection expression of the integration of the route "a" ' +
        '"$response.status.code" cannot be read at "response.status.code".',
    );
  });
});

describe('request parameters', () => {
  const open = (routeKey: string, requestParameters: Record<string, string>) =>
    openLocalApi({
      routes: [{ routeKey, integration: { type: 'AWS_PROXY', requestParameters } }],
    });

  it.each([
    ['send', 'header.a', 'context.connectionId'],
    ['send', 'querystring.a', 'stageVariables.a'],
    ['send', 'path.a', 'route.request.body.a.b'],
    ['send', 'header.Content-Type', "'application/json'"],
    ['$connect', 'header.a', 'route.request.header.Authorization'],
    ['$connect', 'header.a', 'route.request.multivaluequerystring.a'],
  ])('8.8 of the route %s may map %s from %s', async (routeKey, target, source) => {
    await using api = await open(routeKey, { [`integration.request.${target}`]: source });
    await using peer = await Peer.connect(api.url);
    expect(peer.response?.statusCode).toBe(101);
  });

  it.each([
    ['method.request.header.a', "'x'", 'cannot be mapped to'],
    ['integration.request.header.a', 'x', 'cannot be read'],
    ['integration.request.header.a', 'route.request.header.a', 'only "$connect" has'],
  ])('8.8 of a message may not map %s from %s', async (target, source, problem) => {
    await expect(open('send', { [target]: source })).rejects.toThrow(problem);
  });
});

describe('$connect over a non-proxy integration', () => {
  const responses = always();
  const status = (code: number): Integration => ({
    type: 'MOCK',
    requestTemplates: { $default: `{"statusCode":${code}}` },
    responses,
  });

  it.each([
    ['a mock', { ...mock, responses }],
    ['a mock by its status', { ...mock, responses: [{ integrationResponseKey: '/200/' }] }],
    ['a function', { type: 'AWS', responses }],
  ] as const)('8.10 is accepted with an integration response: %s', async (_what, integration) => {
    expect(await connect(integration)).toBe('open');
  });

  it.each([
    ['none', mock],
    ['no response for a function', { type: 'AWS' }],
    ['no matching response', { ...mock, responses: [{ integrationResponseKey: '/4\\d\\d/' }] }],
  ] as const)('8.10 is refused with 500 when there is %s', async (_what, integration) => {
    expect(await connect(integration)).toBe(500);
  });

  it('8.10 has the status of the mock', async () => {
    expect(await connect(status(204))).toBe('open');
    expect(await connect(status(403))).toBe(403);
  });

  it('8.10 is refused if the function fails, with any integration response', async () => {
    const fail = () => {
      throw new Error('broken');
    };
    expect(await connect({ type: 'AWS', responses }, fail)).toBe(502);
  });

  it('8.10 gives the function an empty event when it has no template', async () => {
    const seen: unknown[] = [];
    expect(await connect({ type: 'AWS', responses }, (event) => seen.push(event))).toBe('open');
    expect(seen).toEqual([{}]);
  });
});

describe('the integration response', () => {
  const byMessage: Integration = {
    type: 'AWS',
    responses: [
      { integrationResponseKey: '/Not.*/', responseTemplates: { $default: 'missing' } },
      { integrationResponseKey: '/Notable/', responseTemplates: { $default: 'too late' } },
      ...always("other: $input.path('$.errorMessage')"),
    ],
  };

  it.each([
    ['Not there', 'missing'],
    ['Notable', 'missing'],
    ['It is Not', 'other: It is Not'],
  ])('8.12 is chosen by the error message of a function: %s', async (message, expected) => {
    const respond = () => {
      throw new Error(message);
    };
    const { frames, log } = await send({ integration: byMessage, respond }, ['{}']);
    expect(frames).toEqual([expected]);
    expect(log[0]).toMatchObject({ result: 'failed', detail: `Error: ${message}` });
  });

  it('8.12 is $default when the function has not failed', async () => {
    expect((await send({ integration: byMessage }, ['{}'])).frames).toEqual(['other: ']);
  });

  it.each([
    [200, 'fine'],
    [204, 'fine'],
    [404, 'bad'],
    [500, 'other'],
  ])('8.12 is chosen by the status code of a mock: %i', async (code, expected) => {
    const integration: Integration = {
      type: 'MOCK',
      requestTemplates: { $default: `{"statusCode":${code}}` },
      responses: [
        ...always('other'),
        { integrationResponseKey: '/2\\d\\d/', responseTemplates: { $default: 'fine' } },
        { integrationResponseKey: '/4\\d\\d/', responseTemplates: { $default: 'bad' } },
      ],
    };
    expect((await send({ integration }, ['{}'])).frames).toEqual([expected]);
  });

  it.each([undefined, '{"statusCode":"200"}', '{"statusCode":99}', 'hello'])(
    '8.12 is missing, and the call fails, if the request template of a mock has the output %s',
    async (template) => {
      const integration: Integration = {
        type: 'MOCK',
        requestTemplates: template === undefined ? undefined : { $default: template },
        responses: always('pong'),
      };
      const { frames, log } = await send({ integration }, [{ action: 'ping' }]);
      expect(frames).toEqual([internalError]);
      expect(log[0]?.detail).toContain('such as {"statusCode":200}, and yielded');
    },
  );

  it.each(['200', '/(/'])('8.12 is refused when its key is %s', async (key) => {
    const responses = [{ integrationResponseKey: key }];
    await expect(
      openLocalApi({ routes: [{ routeKey: 'a', integration: { type: 'AWS', responses } }] }),
    ).rejects.toThrow(`The integration response key "${key}" of the integration of the route "a"`);
  });

  it.each([
    ['${request.body.kind}', 'short'],
    ['${integration.response.statuscode}', 'status'],
    ['${integration.response.header.X}${integration.response.multivalueheader.Y}fixed', 'text'],
    ['\\$default', 'other'],
    ['unknown', 'other'],
  ])('8.13 has its template chosen by the expression %s', async (expression, expected) => {
    const responseTemplates = { short: 'short', 200: 'status', fixed: 'text', $default: 'other' };
    const response = {
      integrationResponseKey: '$default',
      responseTemplates,
      templateSelectionExpression: expression,
    };
    const integration: Integration = { ...mock, responses: [response] };
    expect((await send({ integration }, [{ kind: 'short' }])).frames).toEqual([expected]);
  });

  it('8.13 passes on the answer of a function without a template, and nothing for a mock', async () => {
    const respond = () => ({ a: [1] });
    const lambda: Integration = { type: 'AWS', responses: always() };
    expect((await send({ integration: lambda, respond }, ['{}'])).frames).toEqual(['{"a":[1]}']);
    const silent: Integration = { ...mock, responses: always() };
    expect((await send({ integration: silent }, ['{}'])).frames).toEqual(['']);
  });

  it('8.14 sends nothing when the route is one-way', async () => {
    for (const type of ['AWS', 'MOCK'] as const) {
      for (const responses of [undefined, always('pong')]) {
        const integration: Integration = { type, requestTemplates: ok, responses };
        const { frames, log } = await send({ integration, twoWay: false }, ['{}']);
        expect(frames).toEqual([]);
        expect(log[0]).toMatchObject({ result: 'ok', detail: '200' });
      }
    }
  });

  it('8.14 is not even rendered for a one-way route', async () => {
    const responses = always("$input.json('$..broken')");
    const { log } = await send({ integration: { ...mock, responses }, twoWay: false }, ['{}']);
    expect(log[0]).toMatchObject({ result: 'ok' });
  });

  it('8.14 is needed by a two-way route', async () => {
    const { frames, log } = await send({ integration: mock }, ['{}']);
    expect(frames).toEqual([internalError]);
    expect(log[0]?.detail).toBe(
      'No integration response matches "200", and there is no "$default". Add one to the ' +
        'responses of the integration.',
    );
  });

  it('8.14 is not sent for a failed function behind a one-way route, but reported', async () => {
    const respond = () => {
      throw new Error('broken');
    };
    const sent = { integration: { type: 'AWS' }, respond, twoWay: false } as const;
    const { frames, log } = await send(sent, ['{}']);
    expect(frames).toEqual([]);
    expect(log[0]).toMatchObject({ result: 'failed', detail: 'Error: broken' });
  });

  it('8.17 is sent by the one route response, whichever was chosen', async () => {
    const requestTemplates = { $default: '{"statusCode":$input.json("$.code")}' };
    const responses = [
      { integrationResponseKey: '/4\\d\\d/', responseTemplates: { $default: 'bad' } },
      ...always('fine'),
    ];
    const integration: Integration = { type: 'MOCK', requestTemplates, responses };
    const { frames } = await send({ integration }, [{ code: 200 }, { code: 404 }]);
    expect(frames).toEqual(['fine', 'bad']);
  });

  it('5.8 is missing if the function takes too long', async () => {
    await using api = await openLocalApi({
      respond: () => new Promise(() => {}),
      routes: [
        {
          routeKey: '$default',
          twoWay: true,
          timeoutMs: 50,
          integration: { type: 'AWS', responses: always() },
        },
      ],
    });
    await using peer = await Peer.connect(api.url);
    peer.send('{}');
    expect(await peer.next()).toContain('"Endpoint request timed out"');
  });
});

describe('a cold start', () => {
  const cold: LambdaFunction = {
    invoke: async () => ({ type: 'response', payload: {}, coldStartMs: 5 }),
  };
  const failing: LambdaFunction = {
    invoke: async () => ({
      type: 'error',
      errorType: 'Error',
      errorMessage: 'No.',
      coldStartMs: 5,
    }),
  };

  it.each([
    ['a function behind AWS', cold, always()],
    ['a function behind AWS that fails', failing, always()],
    ['a function behind AWS without a response', cold, undefined],
  ])('is reported for %s', async (_what, handler, responses) => {
    const log: GatewayEvent[] = [];
    await using gateway = await openGateway({ onEvent: (event) => log.push(event) });
    const integration: Integration = { type: 'AWS', responses };
    gateway.use({ handler, routes: [{ routeKey: '$default', twoWay: true, integration }] });
    await using peer = await Peer.connect(gateway.url);
    peer.send({});
    await peer.next();
    expect(log).toMatchObject([{ coldStartMs: 5 }]);
  });

  it('is reported for an authorizer', async () => {
    const log: GatewayEvent[] = [];
    await using gateway = await openGateway({ onEvent: (event) => log.push(event) });
    const routes = [{ routeKey: '$connect', integration: 'mock' }] as const;
    gateway.use({ handler: cold, routes, authorizer: { function: cold } });
    expect((await refusalOf(gateway.url)).status).toBe(500);
    expect(log).toMatchObject([{ route: 'authorizer', coldStartMs: 5 }]);
  });
});

describe('text-encoded binary', () => {
  const encode = (text: string) => Buffer.from(text).toString('base64');

  it('5.13 is decoded before the function if the integration has CONVERT_TO_BINARY', async () => {
    const integration: Integration = {
      type: 'AWS',
      contentHandlingStrategy: 'CONVERT_TO_BINARY',
      responses: always(),
    };
    const { frames, events, log } = await send({ integration }, [encode('{"a":"é"}'), 'no base64']);
    expect(events).toEqual([{ a: 'é' }]);
    expect(frames).toEqual(['{"a":"é"}', internalError]);
    expect(log[1]?.detail).toBe('CONVERT_TO_BINARY was applied to a text that is not base64.');
  });

  it('5.13 is refused without a backtracking expression, which would take minutes', () => {
    expect(() => decodeBase64(`${'='.repeat(131_072)}x`)).toThrow('not base64');
    expect(['YQ==', ' YQ ', 'YWI='].map(decodeBase64)).toEqual(['a', 'a', 'ab']);
  });

  it.each([
    [undefined, encode('{"a":1}')],
    ['{"data":"$input.body"}', `{"data":"${encode('{"a":1}')}"}`],
  ])(
    '5.13 is encoded if the integration response has CONVERT_TO_TEXT, with the template %s',
    async (template, expected) => {
      const responses = always(template).map(
        (response): IntegrationResponse => ({
          ...response,
          contentHandlingStrategy: 'CONVERT_TO_TEXT',
        }),
      );
      const integration: Integration = { type: 'AWS', responses };
      expect((await send({ integration }, ['{"a":1}'])).frames).toEqual([expected]);
    },
  );

  it('5.13 is decoded if the integration response has CONVERT_TO_BINARY', async () => {
    const response: IntegrationResponse = {
      integrationResponseKey: '$default',
      responseTemplates: { $default: "$input.path('$.data')" },
      contentHandlingStrategy: 'CONVERT_TO_BINARY',
    };
    const integration: Integration = { type: 'AWS', responses: [response] };
    expect((await send({ integration }, [{ data: encode('hello') }])).frames).toEqual(['hello']);
  });
});
