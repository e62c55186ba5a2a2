import { describe, expect, it, vi } from 'vitest';
import { type LocalApiOptions, openLocalApi, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';

interface Statement {
  readonly Action?: unknown;
  readonly Effect?: unknown;
  readonly Resource?: unknown;
  readonly [element: string]: unknown;
}

const arn = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev/$connect';
const allow: Statement = { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: arn };

const userName = { StringEquals: { 'aws:username': 'ann' } };

const policy = (...statements: unknown[]) => ({
  principalId: 'ann',
  policyDocument: { Version: '2012-10-17', Statement: statements },
});

async function openApi(respond: () => unknown, options: LocalApiOptions = {}) {
  const authorizer = new TestFunction(respond);
  const api = await openLocalApi({
    apiId: 'abcde12345',
    authorizer: { function: authorizer },
    ...options,
  });
  return { api, authorizer, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

/** The status of a handshake with this answer of the authorizer. */
async function statusFor(respond: () => unknown): Promise<number> {
  await using opened = await openApi(respond);
  const { api } = opened;
  const status = await Peer.connect(api.url).then(
    () => 101,
    async () => (await refusalOf(api.url)).status,
  );
  expect(api.handler.events).toHaveLength(status === 101 ? 1 : 0);
  return status;
}

describe('an authorizer', () => {
  it('4.1 4.13 is called at $connect and never again', async () => {
    await using opened = await openApi(() => policy(allow));
    const { api, authorizer } = opened;
    const peer = await Peer.connect(api.url);
    peer.send('one');
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(3));
    expect(authorizer.events).toHaveLength(1);
  });

  it('4.1 needs a route $connect to protect', async () => {
    await expect(openApi(() => policy(allow), { routes: ['$default'] })).rejects.toThrow(
      'no route "$connect"',
    );
  });

  it('4.9 is called for every handshake', async () => {
    await using opened = await openApi(() => policy(allow));
    await Peer.connect(opened.api.url);
    await Peer.connect(opened.api.url);
    expect(opened.authorizer.events).toHaveLength(2);
    const allowed = { route: 'authorizer', result: 'ok', detail: 'allowed' };
    expect(opened.api.log.filter(({ route }) => route === 'authorizer')).toMatchObject([
      allowed,
      allowed,
    ]);
  });

  it('4.13 does not affect the connections that are open when it changes', async () => {
    await using opened = await openApi(() => policy(allow), {
      routes: ['$connect', { routeKey: '$default', twoWay: true }],
    });
    const { api } = opened;
    const peer = await Peer.connect(api.url);
    api.gateway.use({
      handler: api.handler,
      routes: [{ routeKey: '$connect' }, { routeKey: '$default', twoWay: true }],
      authorizer: { function: new TestFunction(() => policy()) },
    });
    expect((await refusalOf(api.url)).status).toBe(500);
    peer.send('one');
    expect(await peer.next()).toBe('');
  });
});

describe('identity sources', () => {
  const sources = [
    'route.request.header.Authorization',
    'route.request.querystring.token',
    'stageVariables.color',
    'context.identity.sourceIp',
    'context.connectedAt',
  ];
  const open = async (
    stageVariables: Record<string, string> = { color: 'red' },
    identitySources = sources,
  ) => {
    const authorizer = new TestFunction(() => policy(allow));
    const api = await openLocalApi({
      apiId: 'abcde12345',
      stageVariables,
      authorizer: { function: authorizer, identitySources },
    });
    return { api, authorizer, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
  };
  const headers = { authorization: 'secret' };

  it('4.2 are all present, so the function is called', async () => {
    await using opened = await open();
    await Peer.connect(`${opened.api.url}?token=t`, { headers });
    await Peer.connect(`${opened.api.url}?token=t`, { headers: { AUTHORIZATION: 'secret' } });
    expect(opened.authorizer.events).toHaveLength(2);
  });

  it.each([
    ['the header is missing', '?token=t', {}, sources[0]],
    ['the header is empty', '?token=t', { headers: { Authorization: '' } }, sources[0]],
    ['the parameter is missing', '', { headers }, sources[1]],
    ['the parameter is empty', '?token=', { headers }, sources[1]],
  ])('4.2 refuse with 401, without a call, when %s', async (...[, query, options, source]) => {
    await using opened = await open();
    const { api, authorizer } = opened;
    const { status, body } = await refusalOf(`${api.url}${query}`, options);
    expect(status).toBe(401);
    expect(body).toMatch(/^\{"message": "Unauthorized", /);
    expect(authorizer.events).toEqual([]);
    const detail = `The identity source "${source}" is missing.`;
    expect(api.log).toMatchObject([{ route: 'authorizer', result: 'refused', detail }]);
  });

  it.each(['context.identity', 'context.constructor.name', 'context.stage.length'])(
    '4.2 refuse with 401 when they are not a text or a number of the event: %s',
    async (source) => {
      await using opened = await open({}, [source]);
      expect((await refusalOf(opened.api.url)).status).toBe(401);
    },
  );

  it('4.2 refuse with 401 when a stage variable is missing', async () => {
    await using opened = await open({});
    expect((await refusalOf(`${opened.api.url}?token=t`, { headers })).status).toBe(401);
  });

  it.each(['Authorization', 'route.request.body.token', 'route.request.header.'])(
    '4.2 are refused if they are invalid: %s',
    async (source) => {
      const authorizer = { function: new TestFunction(), identitySources: [source] };
      await expect(openLocalApi({ authorizer })).rejects.toThrow(
        `The identity source "${source}" cannot be read.`,
      );
    },
  );

  it('4.3 are optional: without them the function is always called', async () => {
    await using opened = await openApi(() => policy(allow));
    await Peer.connect(opened.api.url);
    expect(opened.authorizer.events).toHaveLength(1);
  });
});

describe('the answer of an authorizer', () => {
  it('4.4 leads to 401 if it throws exactly "Unauthorized"', async () => {
    const throwing = (text: string) => () => {
      throw new Error(text);
    };
    expect(await statusFor(throwing('Unauthorized'))).toBe(401);
    expect(await statusFor(throwing('unauthorized'))).toBe(500);
    expect(await statusFor(throwing('Unauthorized.'))).toBe(500);
  });

  it('4.5 leads to 403 for a Deny, even together with an Allow', async () => {
    expect(await statusFor(() => policy({ ...allow, Effect: 'Deny' }))).toBe(403);
    expect(await statusFor(() => policy(allow, { ...allow, Effect: 'Deny' }))).toBe(403);
  });

  it('4.5 leads to 403 if no statement matches', async () => {
    const other = arn.replace('abcde12345', 'other12345');
    expect(await statusFor(() => policy({ ...allow, Resource: other }))).toBe(403);
    const action = 'execute-api:ManageConnections';
    expect(await statusFor(() => policy({ ...allow, Action: action }))).toBe(403);
  });

  it.each([
    [arn, 101],
    [arn.replace('$connect', '*'), 101],
    ['*', 101],
    ['arn:aws:execute-api:*:*:*', 101],
    ['arn:aws:execute-api:us-east-?:123456789012:abcde12345/dev/$connect', 101],
    [arn.replace('$connect', '*/*'), 403],
    [arn.replace('$connect', '$Connect'), 403],
    [arn.replace('$connect', '.connect'), 403],
    [`${arn}/`, 403],
  ])('4.6 matches the resource %s: %i', async (Resource, status) => {
    expect(await statusFor(() => policy({ ...allow, Resource }))).toBe(status);
  });

  it('4.6 matches lists of actions and resources, and an action in any case', async () => {
    const lists = { Action: ['x:y', 'Execute-API:inv*'], Resource: ['a', arn] };
    expect(await statusFor(() => policy({ ...allow, ...lists }))).toBe(101);
    const single = { principalId: 'ann', policyDocument: { Statement: allow } };
    expect(await statusFor(() => single)).toBe(101);
  });

  it.each([
    [{ NotAction: 'execute-api:ManageConnections' }, 101],
    [{ NotAction: 'execute-api:*' }, 403],
    [{ NotResource: arn.replace('dev', 'prod') }, 101],
    [{ NotResource: ['arn:other', arn] }, 403],
    [{ Condition: {} }, 101],
    [{ Condition: { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } } }, 101],
    [{ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }, 403],
    [{ Condition: { Null: { 'aws:UserAgent': 'true', 'aws:Referer': 'true' } } }, 101],
    [{ Condition: { DateGreaterThan: { 'aws:CurrentTime': '2024-01-01T00:00:00Z' } } }, 101],
    [{ Condition: { DateGreaterThan: { 'aws:CurrentTime': '2999-01-01T00:00:00Z' } } }, 403],
    [{ Resource: arn.replace('dev', '${aws:SourceIp}') }, 403],
  ])('I8 4.16 4.17 4.18 is evaluated with %j: %i', async (statement, status) => {
    const whole = { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: arn };
    const { NotAction, NotResource } = statement as Statement;
    const { Action, Resource, ...rest } = whole;
    const base = { ...(!NotAction && { Action }), ...(!NotResource && { Resource }), ...rest };
    expect(await statusFor(() => policy({ ...base, ...statement }))).toBe(status);
  });

  it('I8 4.17 compares what the client sent, on the clock of the gateway', async () => {
    const Condition = {
      StringLike: { 'aws:UserAgent': 'Chat/*', 'aws:Referer': 'https://*.example.com/' },
      DateLessThan: { 'aws:EpochTime': '1700000600' },
    };
    let now = 1_700_000_000_000;
    const respond = () => policy({ ...allow, Condition });
    await using opened = await openApi(respond, { now: () => now });
    const { url } = opened.api;
    const headers = { 'User-Agent': 'Chat/2.1', Referer: 'https://app.example.com/' };
    expect((await Peer.connect(url, { headers })).response?.statusCode).toBe(101);
    expect((await refusalOf(url, { headers: { ...headers, 'User-Agent': 'x' } })).status).toBe(403);
    expect((await refusalOf(url)).status).toBe(403);
    now += 600_000;
    expect((await refusalOf(url, { headers })).status).toBe(403);
  });

  it('I8 names what it cannot evaluate', async () => {
    await using opened = await openApi(() => policy({ ...allow, Condition: userName }));
    expect((await refusalOf(opened.api.url)).status).toBe(500);
    expect(opened.api.log[0]).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('the condition key "aws:username"'),
    });
  });

  it('I7 I8 4.15 leads to 500 with a resource of more than 512 characters', async () => {
    const Resource = ['*', 'x'.repeat(512)];
    expect(await statusFor(() => policy({ ...allow, Resource }))).toBe(101);
    Resource.push('x'.repeat(513));
    expect(await statusFor(() => policy({ ...allow, Resource }))).toBe(500);
    const NotResource = 'x'.repeat(513);
    expect(await statusFor(() => policy({ ...allow, Resource: undefined, NotResource }))).toBe(500);
  });

  it.each([
    ['nothing', undefined, 'it is not an object'],
    ['text', 'Allow', 'it is not an object'],
    ['a proxy response', { statusCode: 401 }, 'no "principalId"'],
    ['no principalId', { policyDocument: { Statement: [allow] } }, 'no "principalId"'],
    ['no policyDocument', { principalId: 'ann' }, 'no "Statement"'],
    ['a document without Statement', { principalId: 'ann', policyDocument: {} }, 'no "Statement"'],
    ['an empty Statement', policy(), 'no "Statement"'],
    ['a statement that is a string', policy('Allow'), 'is not an object'],
    ['a statement without Resource', policy({ ...allow, Resource: undefined }), 'no "Resource"'],
    ['a statement with another Effect', policy({ ...allow, Effect: 'allow' }), '"Effect"'],
    ['a statement with a Principal', policy({ ...allow, Principal: '*' }), '"Principal"'],
    ['a statement with a list of numbers', policy({ ...allow, Action: ['x:y', 5] }), '"Action"'],
    ['a condition key that is not known', policy({ ...allow, Condition: userName }), 'not known'],
    ['a resource that is too long', policy({ ...allow, Resource: 'x'.repeat(513) }), '512'],
    ['more than 8 KB', policy({ ...allow, Resource: 'x'.repeat(8_192) }), 'larger than 8 KB'],
  ])('4.7 is 500 for %s, with the reason in the log', async (...[, answer, reason]) => {
    await using opened = await openApi(() => answer);
    expect((await refusalOf(opened.api.url)).status).toBe(500);
    expect(opened.api.log[0]).toMatchObject({ route: 'authorizer', result: 'failed' });
    expect(opened.api.log[0]?.detail).toContain('The result of the authorizer cannot be used: ');
    expect(opened.api.log[0]?.detail).toContain(reason);
  });

  it('4.8 leads to 500 if it takes longer than the gateway waits', async () => {
    await using opened = await openApi(() => new Promise(() => {}), { integrationTimeoutMs: 50 });
    expect((await refusalOf(opened.api.url)).status).toBe(500);
    expect(opened.api.log[0]?.detail).toBe('The authorizer did not answer in time.');
    const slow = () => new Promise((resolve) => setTimeout(resolve, 50, policy(allow)));
    expect(await statusFor(slow)).toBe(101);
  });

  it.each([
    ['an object', { deep: {} }],
    ['an array', { list: ['a'] }],
  ])('4.10 leads to 500 if a value of the context is %s', async (_what, context) => {
    expect(await statusFor(() => ({ ...policy(allow), context }))).toBe(500);
  });

  it.each([[[]], ['text'], [5]])('4.10 leads to 500 if the context is %j', async (context) => {
    await using opened = await openApi(() => ({ ...policy(allow), context }));
    expect((await refusalOf(opened.api.url)).status).toBe(500);
    expect(opened.api.log[0]?.detail).toContain('its "context" has a value that is not a string');
  });

  it('4.14 7.7 leads to 500 if it is larger than 8 KB', async () => {
    const withContext = (length: number) => ({
      ...policy(allow),
      context: { text: 'x'.repeat(length) },
    });
    const rest = JSON.stringify(withContext(0)).length;
    expect(await statusFor(() => withContext(8_192 - rest))).toBe(101);
    expect(await statusFor(() => withContext(8_193 - rest))).toBe(500);
  });
});

describe('the context of an authorizer', () => {
  it('4.10 4.11 5.23 is in every event as strings, with the latency only in CONNECT', async () => {
    let now = 1_700_000_000_000;
    const respond = () => {
      now += 42;
      return { ...policy(allow), context: { role: 'admin', level: 1, isNew: true, none: null } };
    };
    await using opened = await openApi(respond, { now: () => now });
    const { api } = opened;
    const peer = await Peer.connect(api.url);
    peer.send('one');
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(3));
    const values = { role: 'admin', level: '1', isNew: 'true', principalId: 'ann' };
    const seen = (routeKey: string) => api.handler.of(routeKey)[0]?.requestContext['authorizer'];
    expect(seen('$connect')).toEqual({ ...values, integrationLatency: 42 });
    expect(seen('$default')).toEqual(values);
    expect(seen('$disconnect')).toEqual(values);
  });

  it('4.11 is absent without an authorizer', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    expect(api.handler.events[0]?.requestContext).not.toHaveProperty('authorizer');
  });
});
