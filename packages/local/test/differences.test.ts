import { describe, expect, it, vi } from 'vitest';
import { type LocalApi, openLocalApi, type SeenEvent, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { clientFrame, handshakeText, RawPeer } from './raw-peer.js';
import { sendRequest, sendSigned } from './signed-request.js';

// One test for each difference between other emulators and API Gateway. This gateway behaves like AWS;
// the name of the test says what the other emulator does.

const echo = { routeKey: '$default', twoWay: true };
const answerBody = ({ body }: SeenEvent) => ({ statusCode: 200, body });
const isId = /^[\w-]{15}=$/;

const allow = {
  principalId: 'ann',
  policyDocument: { Statement: [{ Action: '*', Effect: 'Allow', Resource: '*' }] },
};

async function contextOf(api: LocalApi, routeKey: string): Promise<SeenEvent['requestContext']> {
  const event = await vi.waitFor(
    () => api.handler.of(routeKey)[0] ?? Promise.reject(new Error(`There is no ${routeKey}.`)),
  );
  return event.requestContext;
}

/** The contexts of $connect, $default and $disconnect for a connection with one message. */
async function contextsOfAll(api: LocalApi): Promise<SeenEvent['requestContext'][]> {
  const peer = await Peer.connect(api.url);
  peer.send('hello');
  await contextOf(api, '$default');
  peer.webSocket.close();
  await contextOf(api, '$disconnect');
  return api.handler.events.map(({ requestContext }) => requestContext);
}

/** The route of the API that a message selects. */
async function routeOf(api: LocalApi, message: object): Promise<string> {
  await using peer = await Peer.connect(api.url);
  peer.send(message);
  const event = await vi.waitFor(
    () => api.handler.events[0] ?? Promise.reject(new Error('There is no event.')),
  );
  return event.requestContext.routeKey;
}

async function asked(api: LocalApi, method: 'POST' | 'GET' | 'DELETE', stage = '/dev') {
  const { connectionId } = await contextOf(api, '$connect');
  return sendSigned({
    port: api.gateway.port,
    path: `${stage}/@connections/${connectionId}`,
    method,
    key: api.gateway.credentials.issue('a test'),
  });
}

const bytesOfClose = async (peer: RawPeer) => (await peer.nextFrame()).payload.readUInt16BE(0);

describe('unlike serverless-offline, the gateway', () => {
  it('3.2 accepts a connection without a route $connect (serverless-offline refuses with 502)', async () => {
    await using api = await openLocalApi({ routes: ['$default'] });
    await using peer = await Peer.connect(api.url);
    expect(peer.response?.statusCode).toBe(101);
  });

  it('2.9 answers Forbidden if no route matches (serverless-offline is silent)', async () => {
    await using api = await openLocalApi({ routes: ['$connect', 'known'] });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'unknown' });
    expect(JSON.parse(await peer.next())).toMatchObject({ message: 'Forbidden' });
  });

  it('5.5 names the request in an error, last (serverless-offline says 1234567890, in another order)', async () => {
    await using api = await openLocalApi({ respond: () => null, routes: ['$default'] });
    await using peer = await Peer.connect(api.url);
    peer.send('hello');
    const text = await peer.next();
    const { connectionId, requestId } = await contextOf(api, '$default');
    expect(text).toBe(
      `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
  });

  it('0.1 0.3 0.4 makes ids of 16 characters (serverless-offline makes UUIDs)', async () => {
    await using api = await openLocalApi();
    const [, message] = await contextsOfAll(api);
    for (const name of ['connectionId', 'requestId', 'extendedRequestId', 'messageId']) {
      expect(message?.[name]).toMatch(isId);
    }
  });

  it('0.4 has messageId only in MESSAGE (serverless-offline has it in every event)', async () => {
    await using api = await openLocalApi();
    const contexts = await contextsOfAll(api);
    expect(contexts.map((context) => 'messageId' in context)).toEqual([false, true, false]);
  });

  it('0.8 has only known values in identity (serverless-offline has 12 keys, most of them null)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    expect((await contextOf(api, '$connect'))['identity']).toEqual({ sourceIp: '127.0.0.1' });
  });

  it('0.9 names the API and the stage (serverless-offline says "private" and "local")', async () => {
    await using api = await openLocalApi({ apiId: 'abcde12345', stage: 'prod' });
    await Peer.connect(api.url);
    const names = { apiId: 'abcde12345', stage: 'prod' };
    expect(await contextOf(api, '$connect')).toMatchObject(names);
  });

  it('1.21 1.22 has the reason for the end of a connection (serverless-offline has no code, reason or X-Forwarded-For)', async () => {
    await using api = await openLocalApi();
    await contextsOfAll(api);
    expect(api.handler.of('$disconnect')[0]).toMatchObject({
      headers: { 'X-Forwarded-For': '' },
      requestContext: {
        disconnectStatusCode: 1005,
        disconnectReason: 'Client-side close frame status not set',
      },
    });
  });

  it('2.5 selects a route by a number as text (serverless-offline uses $default)', async () => {
    await using api = await openLocalApi({ routes: ['1', '$default'] });
    expect(await routeOf(api, { action: 1 })).toBe('1');
  });

  it('2.2 reads an expression of several parts (serverless-offline reads one path)', async () => {
    await using api = await openLocalApi({
      routes: ['chat/send', '$default'],
      routeSelectionExpression: '${request.body.service}/${request.body.action}',
    });
    expect(await routeOf(api, { service: 'chat', action: 'send' })).toBe('chat/send');
  });

  it('4.2 refuses with 401 without an identity source (serverless-offline calls the authorizer)', async () => {
    const authorizer = new TestFunction(() => allow);
    const identitySources = ['route.request.header.Authorization'];
    await using api = await openLocalApi({
      authorizer: { function: authorizer, identitySources },
    });
    expect((await refusalOf(api.url)).status).toBe(401);
    expect(authorizer.events).toEqual([]);
  });

  it('5.14 closes with 1009 at a frame above 32 KB (serverless-offline has no limit)', async () => {
    await using api = await openLocalApi();
    await using peer = await Peer.connect(api.url);
    peer.send('x'.repeat(32_769));
    expect((await peer.closed).code).toBe(1009);
  });

  it('5.15 closes with 1009 at a message above 128 KB (serverless-offline has no limit)', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.connect(api.gateway.port);
    for (let count = 0; count < 5; count++) {
      const payload = 'x'.repeat(32_000);
      peer.write(clientFrame({ opcode: count === 0 ? 1 : 0, isLast: count === 4, payload }));
    }
    expect(await bytesOfClose(peer)).toBe(1009);
  });

  it('5.12 closes with 1003 at a binary frame (serverless-offline passes a Buffer on)', async () => {
    await using api = await openLocalApi();
    await using peer = await Peer.connect(api.url);
    peer.webSocket.send(Buffer.from('hello'));
    expect((await peer.closed).code).toBe(1003);
    expect(api.handler.of('$default')).toEqual([]);
  });

  it('6.13 answers GET @connections (serverless-offline does not)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    const { status, body } = await asked(api, 'GET');
    expect([status, Object.keys(JSON.parse(body) as object)]).toEqual([
      200,
      ['connectedAt', 'identity', 'lastActiveAt'],
    ]);
  });

  it('6.1 6.6 has the stage in the path of @connections (serverless-offline has none)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    expect((await asked(api, 'POST')).status).toBe(200);
    expect((await asked(api, 'POST', '')).status).toBe(403);
  });

  it('6.5 refuses a post that is not signed (serverless-offline accepts it)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    const { connectionId } = await contextOf(api, '$connect');
    const path = `/dev/@connections/${connectionId}`;
    const { status, body } = await sendRequest({ port: api.gateway.port, path, method: 'POST' });
    expect([status, body]).toEqual([403, '{"message":"Missing Authentication Token"}']);
  });

  it('3.11 does not choose a sub-protocol itself (serverless-offline accepts the first)', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ 'Sec-WebSocket-Protocol': 'chat' }));
    const answer = await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    expect(answer).not.toMatch(/sec-websocket-protocol/i);
  });

  it('4.11 has integrationLatency only in CONNECT, as a number (serverless-offline says "42" in all)', async () => {
    await using api = await openLocalApi({
      authorizer: { function: new TestFunction(() => allow) },
    });
    const contexts = await contextsOfAll(api);
    expect(contexts.map(({ authorizer }) => authorizer)).toEqual([
      { principalId: 'ann', integrationLatency: expect.any(Number) },
      { principalId: 'ann' },
      { principalId: 'ann' },
    ]);
  });
});

describe("unlike Architect's sandbox, the gateway", () => {
  it('2.2 selects routes by any path (Architect only knows "action")', async () => {
    await using api = await openLocalApi({
      routes: ['send', '$default'],
      routeSelectionExpression: '$request.body.meta.kind',
    });
    expect(await routeOf(api, { action: 'other', meta: { kind: 'send' } })).toBe('send');
  });

  it('5.4 does not treat a status of 400 as an error (Architect answers with an error)', async () => {
    await using api = await openLocalApi({
      routes: [echo],
      respond: () => ({ statusCode: 400, body: 'fine' }),
    });
    await using peer = await Peer.connect(api.url);
    peer.send('hello');
    expect(await peer.next()).toBe('fine');
  });

  it('5.5 names another request in each error (Architect names the same one in all)', async () => {
    await using api = await openLocalApi({ respond: () => null, routes: ['$default'] });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    peer.send('two');
    const frames = [await peer.next(), await peer.next()];
    const ids = api.handler.events.map(({ requestContext }) => requestContext.requestId);
    expect(ids[0]).not.toBe(ids[1]);
    for (const id of ids) expect(frames).toContainEqual(expect.stringContaining(id));
  });

  it('0.4 has no messageId in CONNECT (Architect has it in every event)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    expect(await contextOf(api, '$connect')).not.toHaveProperty('messageId');
  });

  it('1.27 passes on how the client closed (Architect has an empty reason and no code)', async () => {
    await using api = await openLocalApi();
    const peer = await Peer.connect(api.url);
    peer.webSocket.close(4001, 'done');
    expect(await contextOf(api, '$disconnect')).toMatchObject({
      disconnectStatusCode: 4001,
      disconnectReason: 'done',
    });
  });

  it('3.16 refuses other paths with 403 (Architect accepts every path)', async () => {
    await using api = await openLocalApi();
    expect((await refusalOf(api.url.replace('/dev', '/other'))).status).toBe(403);
  });

  it('6.13 6.14 returns address and activity of a connection (Architect only returns connectedAt)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url, { headers: { 'user-agent': 'test' } });
    const { headers, body } = await asked(api, 'GET');
    expect(JSON.parse(body)).toMatchObject({
      identity: { sourceIp: '127.0.0.1', userAgent: 'test' },
      lastActiveAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(headers).not.toHaveProperty('x-amz-apigw-id');
  });

  it('6.15 answers DELETE with 204 (Architect answers 200)', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    expect(await asked(api, 'DELETE')).toMatchObject({ status: 204, body: '' });
  });
});

describe('unlike some version of LocalStack, the gateway', () => {
  it('4.1 4.11 calls the authorizer and passes on its principal (LocalStack did neither)', async () => {
    const authorizer = new TestFunction(() => allow);
    await using api = await openLocalApi({ authorizer: { function: authorizer } });
    await Peer.connect(api.url);
    expect(authorizer.events).toHaveLength(1);
    const { authorizer: values } = await contextOf(api, '$connect');
    expect(values).toMatchObject({ principalId: 'ann' });
  });

  it('3.1 opens a connection after $connect (LocalStack opened it before)', async () => {
    const order: string[] = [];
    await using api = await openLocalApi({
      respond: async () => {
        await sendRequest({ port: api.gateway.port, path: '/' });
        order.push('$connect');
        return { statusCode: 200 };
      },
    });
    await Peer.connect(api.url);
    order.push('open');
    expect(order).toEqual(['$connect', 'open']);
  });

  it('2.1 leaves $connect out of the route selection (LocalStack applied the expression to it)', async () => {
    await using api = await openLocalApi({ routeSelectionExpression: '$request.body.kind' });
    await Peer.connect(`${api.url}?kind=other`);
    expect((await contextOf(api, '$connect')).routeKey).toBe('$connect');
  });

  it('4.13 does not call the authorizer at the end (LocalStack called it again)', async () => {
    const authorizer = new TestFunction(() => allow);
    await using api = await openLocalApi({ authorizer: { function: authorizer } });
    await contextsOfAll(api);
    expect(authorizer.events).toHaveLength(1);
  });

  it('4.4 refuses with 401 if the authorizer throws Unauthorized (LocalStack refused with 403)', async () => {
    const authorizer = new TestFunction(() => Promise.reject(new Error('Unauthorized')));
    await using api = await openLocalApi({ authorizer: { function: authorizer } });
    expect((await refusalOf(api.url)).status).toBe(401);
  });

  it('3.11 answers with the sub-protocol that $connect chose (LocalStack lost the header)', async () => {
    const headers = { 'Sec-WebSocket-Protocol': 'two' };
    await using api = await openLocalApi({ respond: () => ({ statusCode: 200, headers }) });
    await using peer = await Peer.connect(api.url, { protocols: ['one', 'two'] });
    expect(peer.webSocket.protocol).toBe('two');
  });

  it('2.9 serves the other routes without $default (LocalStack served none)', async () => {
    await using api = await openLocalApi({
      routes: [{ routeKey: 'send', twoWay: true }],
      respond: answerBody,
    });
    await using peer = await Peer.connect(api.url);
    peer.send('{"action":"send"}');
    expect(await peer.next()).toBe('{"action":"send"}');
  });
});

describe('unlike floci, the gateway', () => {
  it('5.15 ends a connection whose message is too long (floci answers a frame and keeps it)', async () => {
    await using api = await openLocalApi();
    await using peer = await Peer.connect(api.url);
    peer.send('x'.repeat(131_073));
    expect(await peer.closed).toMatchObject({ code: 1009 });
  });
});

describe('unlike some version of ministack, the gateway', () => {
  it('3.4 answers a refused handshake with a status (ministack opened it and closed with 1008)', async () => {
    await using api = await openLocalApi({ respond: () => ({ statusCode: 401 }) });
    expect((await refusalOf(api.url)).status).toBe(401);
  });

  it('4.1 leaves a JWT to the function of the authorizer (ministack had JWT authorizers)', async () => {
    const authorizer = new TestFunction(({ headers }) => ({
      ...allow,
      principalId: headers['authorization'],
    }));
    await using api = await openLocalApi({ authorizer: { function: authorizer } });
    await Peer.connect(api.url, { headers: { authorization: 'no JWT' } });
    const { authorizer: values } = await contextOf(api, '$connect');
    expect(values).toMatchObject({ principalId: 'no JWT' });
  });
});
