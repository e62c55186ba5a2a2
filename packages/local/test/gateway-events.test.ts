import { describe, expect, it, vi } from 'vitest';
import { openLocalApi, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { handshakeText, RawPeer } from './raw-peer.js';

const keys = (value: object | undefined) => Object.keys(value ?? {});

describe('the events of a connection', () => {
  it('0.1 0.3 0.6 have the same connectionId and connectedAt, and different requestIds', async () => {
    let now = 1_700_000_000_000;
    await using api = await openLocalApi({ now: () => now++ });
    const peer = await Peer.connect(api.url);
    peer.send('one');
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(3));

    const contexts = api.handler.events.map(({ requestContext }) => requestContext);
    expect(contexts.map(({ eventType }) => eventType)).toEqual([
      'CONNECT',
      'MESSAGE',
      'DISCONNECT',
    ]);
    expect(new Set(contexts.map(({ connectionId }) => connectionId)).size).toBe(1);
    expect(contexts[0]?.connectionId).toMatch(/^[A-Za-z0-9_-]{15}=$/);
    expect(new Set(contexts.map(({ connectedAt }) => connectedAt)).size).toBe(1);
    expect(contexts[0]?.['connectedAt']).toBeGreaterThan(1_700_000_000_000);
    expect(new Set(contexts.map(({ requestId }) => requestId)).size).toBe(3);
    const times = contexts.map(({ requestTimeEpoch }) => Number(requestTimeEpoch));
    expect(times).toEqual(times.toSorted((left, right) => left - right));
  });

  it('0.9 name the domain with the port, the API and the stage', async () => {
    await using api = await openLocalApi({ apiId: 'abcde12345', stage: 'test' });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    for (const { requestContext } of api.handler.events) {
      expect(requestContext).toMatchObject({
        domainName: `localhost:${api.gateway.port}`,
        apiId: 'abcde12345',
        stage: 'test',
      });
    }
  });

  it('0.10 have none of the keys that REST events have', async () => {
    await using api = await openLocalApi();
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    for (const event of api.handler.events) {
      for (const key of ['version', 'resource', 'path', 'httpMethod', 'pathParameters']) {
        expect(event).not.toHaveProperty(key);
      }
      expect(event.requestContext).not.toHaveProperty('accountId');
    }
  });
});

describe('CONNECT', () => {
  it('1.1 1.2 has neither a body nor, without a query, the query keys', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    expect(keys(api.handler.events[0])).toEqual([
      'headers',
      'multiValueHeaders',
      'requestContext',
      'isBase64Encoded',
    ]);
  });

  it('1.3 has the query decoded', async () => {
    await using api = await openLocalApi();
    await Peer.connect(`${api.url}?token=a%20b%2Bc&x=1&x=2&empty`);
    expect(api.handler.events[0]).toMatchObject({
      queryStringParameters: { token: 'a b+c', x: '2', empty: '' },
      multiValueQueryStringParameters: { token: ['a b+c'], x: ['1', '2'], empty: [''] },
    });
  });

  it('1.4 1.5 has the headers as the client spelled them, sorted, with those that API Gateway adds', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url, {
      perMessageDeflate: false,
      headers: { test: 'yes', Authorization: 'secret', 'Content-Length': '0', Cookie: 'a=1' },
    });
    const [event] = api.handler.events;
    expect(keys(event?.headers)).toEqual([
      'Authorization',
      'Cookie',
      'Host',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Version',
      'test',
      'X-Amzn-Trace-Id',
      'X-Forwarded-For',
      'X-Forwarded-Port',
      'X-Forwarded-Proto',
    ]);
    expect(event?.headers).toMatchObject({
      test: 'yes',
      Host: `localhost:${api.gateway.port}`,
      'X-Forwarded-For': '127.0.0.1',
    });
    expect(event?.multiValueHeaders['test']).toEqual(['yes']);
  });

  it('1.5 has every value of a repeated header', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText({ 'X-Tag': 'one\r\nx-tag: two' }));
    await peer.until(/^HTTP\/1\.1 101 /);
    const [event] = api.handler.events;
    expect(event?.multiValueHeaders['X-Tag']).toEqual(['one', 'two']);
    expect(event?.headers['X-Tag']).toBe('two');
  });

  it('1.7 0.8 has the address and the user agent of the client', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    await Peer.connect(api.url, { headers: { 'User-Agent': 'test/1' } });
    const [silent, named] = api.handler.of('$connect');
    expect(silent?.requestContext['identity']).toEqual({ sourceIp: '127.0.0.1' });
    expect(named?.requestContext['identity']).toEqual({
      userAgent: 'test/1',
      sourceIp: '127.0.0.1',
    });
  });

  it('1.8 has the stage variables of the stage', async () => {
    await using api = await openLocalApi({ stageVariables: { color: 'red' } });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    expect(api.handler.of('$connect')[0]?.['stageVariables']).toEqual({ color: 'red' });
    expect(api.handler.of('$default')[0]?.['stageVariables']).toEqual({ color: 'red' });
  });

  it.each([
    [{}, { color: 'red' }, undefined],
    [{ stageVariablesInDisconnect: true }, { color: 'red' }, { color: 'red' }],
    [{ stageVariablesInDisconnect: true }, undefined, undefined],
  ])('I18 1.32 has them in DISCONNECT with the switch %j: %j', async (...row) => {
    const [quirks, stageVariables, expected] = row;
    await using api = await openLocalApi({ quirks, stageVariables });
    const peer = await Peer.connect(api.url);
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$disconnect')[0]?.['stageVariables']).toEqual(expected);
  });
});

describe('MESSAGE', () => {
  it('1.10 1.11 1.14 has the unchanged text and no headers', async () => {
    await using api = await openLocalApi();
    await using peer = await Peer.connect(api.url);
    peer.send('{\r\n\t"a": "\u00e9"\r\n}');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    const [event] = api.handler.of('$default');
    expect(keys(event)).toEqual(['requestContext', 'body', 'isBase64Encoded']);
    expect(event?.body).toBe('{\r\n\t"a": "\u00e9"\r\n}');
    expect(event?.['isBase64Encoded']).toBe(false);
  });

  it('1.12 1.13 0.4 names the route that was selected, and has a messageId', async () => {
    await using api = await openLocalApi({ routes: ['$default', 'send'] });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'send' });
    peer.send({ action: 'other' });
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(2));
    expect(api.handler.events.map(({ requestContext }) => requestContext.routeKey)).toEqual([
      'send',
      '$default',
    ]);
    expect(api.handler.events[0]?.requestContext['messageId']).toMatch(/^[A-Za-z0-9_-]{15}=$/);
  });
});

describe('DISCONNECT', () => {
  const ending = async (end: (peer: Peer) => void) => {
    await using api = await openLocalApi();
    const peer = await Peer.connect(api.url, { headers: { Cookie: 'a=1' } });
    end(peer);
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    const [event] = api.handler.of('$disconnect');
    const context = event?.requestContext;
    return {
      event,
      code: context?.['disconnectStatusCode'],
      reason: context?.['disconnectReason'],
    };
  };

  it('1.20 1.21 has none of the headers of the client', async () => {
    const { event } = await ending((peer) => peer.webSocket.close());
    expect(keys(event)).toEqual([
      'headers',
      'multiValueHeaders',
      'requestContext',
      'isBase64Encoded',
    ]);
    expect(keys(event?.headers)).toEqual(['Host', 'x-api-key', 'X-Forwarded-For', 'x-restapi']);
  });

  it('1.22 1.23 says that a close frame had no status', async () => {
    const { code, reason } = await ending((peer) => peer.webSocket.close());
    expect([code, reason]).toEqual([1005, 'Client-side close frame status not set']);
  });

  it('1.24 passes on the code of a browser that leaves the page', async () => {
    const { code, reason } = await ending((peer) => peer.webSocket.close(1001));
    expect([code, reason]).toEqual([1001, '']);
  });

  it('1.27 passes on the code and reason of the client', async () => {
    const { code, reason } = await ending((peer) => peer.webSocket.close(4001, 'enough'));
    expect([code, reason]).toEqual([4001, 'enough']);
  });

  it('1.28 is 1006 with an empty reason when the TCP connection breaks', async () => {
    const { code, reason } = await ending((peer) => peer.webSocket.terminate());
    expect([code, reason]).toEqual([1006, '']);
  });

  it('1.29 carries the code that the gateway closed with', async () => {
    const { code, reason } = await ending((peer) => peer.webSocket.send(Buffer.from([1])));
    expect([code, reason]).toEqual([1003, '']);
  });

  it('1.30 comes after the connection has ended, and its result is ignored', async () => {
    await using api = await openLocalApi({
      respond: ({ requestContext }) => {
        if (requestContext.routeKey === '$disconnect') throw new Error('broken');
        return { statusCode: 200 };
      },
    });
    const peer = await Peer.connect(api.url);
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.log.at(-1)).toMatchObject({ route: '$disconnect' }));
    expect(api.log.at(-1)).toMatchObject({ result: 'failed', detail: 'Error: broken' });
    await using again = await Peer.connect(api.url);
    expect(again.webSocket.readyState).toBe(again.webSocket.OPEN);
  });

  it('1.30 is sent exactly once', async () => {
    await using api = await openLocalApi();
    const peers = await Promise.all(Array.from({ length: 5 }, () => Peer.connect(api.url)));
    for (const [index, { webSocket }] of peers.entries()) {
      if (index % 2 === 0) webSocket.close(1000);
      webSocket.terminate();
    }
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(5));
    await api.gateway.close();
    const ended = api.handler.of('$disconnect').map((event) => event.requestContext.connectionId);
    expect(ended).toHaveLength(5);
    expect(new Set(ended).size).toBe(5);
  });

  it('1.31 is not sent for a handshake that was refused', async () => {
    await using api = await openLocalApi({ respond: () => ({ statusCode: 403 }) });
    expect((await refusalOf(api.url)).status).toBe(403);
    await api.gateway.close();
    expect(api.handler.of('$disconnect')).toEqual([]);
  });
});

describe('the event of an authorizer', () => {
  it('1.40 1.41 1.42 1.43 1.45 is like CONNECT, with the upgrade headers and methodArn', async () => {
    const authorizer = new TestFunction((event) => ({
      principalId: 'ann',
      policyDocument: {
        Statement: [
          { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event['methodArn'] },
        ],
      },
    }));
    await using api = await openLocalApi({
      apiId: 'abcde12345',
      authorizer: { function: authorizer },
    });
    await Peer.connect(`${api.url}?token=t`);
    const [event] = authorizer.events;
    expect(keys(event)).toEqual([
      'type',
      'methodArn',
      'headers',
      'multiValueHeaders',
      'queryStringParameters',
      'multiValueQueryStringParameters',
      'stageVariables',
      'requestContext',
    ]);
    expect(event).toMatchObject({
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev/$connect',
      headers: { Connection: 'upgrade', Upgrade: 'websocket', 'content-length': '0' },
      queryStringParameters: { token: 't' },
      stageVariables: {},
    });
    const context: Record<string, unknown> = { ...api.handler.events[0]?.requestContext };
    delete context['authorizer'];
    expect(event?.requestContext).toEqual(context);
  });
});
