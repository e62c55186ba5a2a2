import { describe, expect, it } from 'vitest';
import {
  makeAuthorizerEvent,
  makeConnectEvent,
  makeConnectionId,
  makeDisconnectEvent,
  makeMessageEvent,
  makeRequestId,
} from './events.js';

const idFormat = /^[A-Za-z0-9_-]{15}=$/;
const now = Date.UTC(2023, 10, 29, 8, 4, 1, 798);
const base = {
  connectionId: 'PJqB0fHsqRcCHlw=',
  requestId: 'PJqB0E1tKRcF-Qw=',
  apiId: 'x1y2z3a4b5',
  stage: 'production',
  domainName: 'x1y2z3a4b5.execute-api.eu-west-1.amazonaws.com',
  sourceIp: '198.51.100.7',
  connectedAt: now - 2,
  now,
};
const keys = (value: object) => Object.keys(value);

describe('ids and times', () => {
  it('0.1 makes a connectionId of 11 bytes in base64url with one "="', () => {
    const id = makeConnectionId();
    expect(id).toMatch(idFormat);
    expect(Buffer.from(id, 'base64url')).toHaveLength(11);
    expect(makeConnectionId()).not.toBe(id);
  });

  it('0.2 tells connection ids and request ids apart by their 12th character', () => {
    expect(makeConnectionId()[11]).toBe('C');
    expect(makeRequestId()[11]).toBe('F');
  });

  it('0.3 makes a requestId in the same format, equal to extendedRequestId', () => {
    expect(makeRequestId()).toMatch(idFormat);
    for (const make of [makeConnectEvent, makeMessageEvent, makeDisconnectEvent]) {
      const { requestId, extendedRequestId } = make().requestContext;
      expect(requestId).toMatch(idFormat);
      expect(extendedRequestId).toBe(requestId);
    }
  });

  it('0.4 gives a messageId to messages alone', () => {
    expect(makeMessageEvent().requestContext.messageId).toMatch(idFormat);
    expect(makeMessageEvent({ messageId: 'm' }).requestContext.messageId).toBe('m');
    expect(makeConnectEvent().requestContext).not.toHaveProperty('messageId');
    expect(makeDisconnectEvent().requestContext).not.toHaveProperty('messageId');
  });

  it('0.5 writes requestTime as the common log format does, in UTC, with a padded day', () => {
    expect(makeConnectEvent({ now }).requestContext.requestTime).toBe('29/Nov/2023:08:04:01 +0000');
    const newYear = makeMessageEvent({ now: Date.UTC(2026, 0, 1) });
    expect(newYear.requestContext.requestTime).toBe('01/Jan/2026:00:00:00 +0000');
  });

  it('0.6 writes the other times in milliseconds, and connectedAt as now unless it is given', () => {
    expect(makeMessageEvent(base).requestContext).toMatchObject({
      connectedAt: now - 2,
      requestTimeEpoch: now,
    });
    expect(makeConnectEvent({ now }).requestContext.connectedAt).toBe(now);
  });

  it('0.7 says that the message came in', () => {
    expect(makeConnectEvent().requestContext.messageDirection).toBe('IN');
  });

  it('0.8 has a user agent only when the client sent one', () => {
    const { identity } = makeMessageEvent({ ...base, userAgent: 'curl/8' }).requestContext;
    expect(keys(identity)).toEqual(['userAgent', 'sourceIp']);
    expect(makeMessageEvent(base).requestContext.identity).toEqual({ sourceIp: '198.51.100.7' });
    const connect = makeConnectEvent({ headers: { 'user-agent': 'curl/8' } });
    expect(connect.requestContext.identity.userAgent).toBe('curl/8');
  });

  it('0.9 names the domain, the API and the stage', () => {
    const { domainName, apiId, stage } = makeDisconnectEvent(base).requestContext;
    expect({ domainName, apiId, stage }).toEqual({
      domainName: 'x1y2z3a4b5.execute-api.eu-west-1.amazonaws.com',
      apiId: 'x1y2z3a4b5',
      stage: 'production',
    });
    const { requestContext } = makeMessageEvent({ apiId: 'aaaaaaaaaa', region: 'eu-west-1' });
    expect(requestContext.domainName).toBe('aaaaaaaaaa.execute-api.eu-west-1.amazonaws.com');
  });
});

describe('makeConnectEvent', () => {
  it('1.1 has its keys in order, and no body', () => {
    expect(keys(makeConnectEvent({ query: { a: '1' }, stageVariables: { v: '1' } }))).toEqual([
      'headers',
      'multiValueHeaders',
      'queryStringParameters',
      'multiValueQueryStringParameters',
      'stageVariables',
      'requestContext',
      'isBase64Encoded',
    ]);
    expect(makeConnectEvent().isBase64Encoded).toBe(false);
  });

  it('1.2 lacks both query keys when there is no query', () => {
    expect(makeConnectEvent()).not.toHaveProperty('queryStringParameters');
    expect(makeConnectEvent({ query: {} })).not.toHaveProperty('multiValueQueryStringParameters');
  });

  it('1.3 has every value of a repeated parameter in the lists, and the last alone', () => {
    const event = makeConnectEvent({ query: { a: ['1', '2'], b: 'x' } });
    expect(event.queryStringParameters).toEqual({ a: '2', b: 'x' });
    expect(event.multiValueQueryStringParameters).toEqual({ a: ['1', '2'], b: ['x'] });
  });

  it('1.6 has the names of all headers in lower case when the base path has levels', () => {
    const options = { ...base, headers: { 'X-Custom': 'Value', Host: 'api.example.com' } };
    const event = makeConnectEvent({ ...options, lowerCaseHeaders: true });
    const names = keys(makeConnectEvent(options).headers).map((name) => name.toLowerCase());
    expect(keys(event.headers)).toEqual(names);
    expect(keys(event.multiValueHeaders)).toEqual(names);
    expect(event.headers).toMatchObject({ 'x-custom': 'Value', host: 'api.example.com' });
    const authorizerEvent = makeAuthorizerEvent({ ...options, lowerCaseHeaders: true });
    expect(authorizerEvent.headers).toMatchObject({ connection: 'upgrade', 'x-custom': 'Value' });
    expect(keys(makeAuthorizerEvent(options).headers)).toContain('Connection');
  });

  it('1.4 keeps the spelling of headers, sorts them, drops some and adds some', () => {
    const { headers } = makeConnectEvent({
      ...base,
      headers: {
        test: 'yes',
        Connection: 'Upgrade',
        upgrade: 'websocket',
        'Content-Length': '0',
        Authorization: 'secret',
        host: 'api.example.com',
      },
    });
    expect(keys(headers)).toEqual([
      'Authorization',
      'host',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Version',
      'test',
      'X-Amzn-Trace-Id',
      'X-Forwarded-For',
      'X-Forwarded-Port',
      'X-Forwarded-Proto',
    ]);
    expect(headers).toMatchObject({
      host: 'api.example.com',
      'X-Forwarded-For': '198.51.100.7',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
    });
    expect(headers['X-Amzn-Trace-Id']).toMatch(/^Root=1-6566f071-[0-9a-f]{24}$/);
  });

  it('1.4 adds the address of the client to those that a proxy has forwarded', () => {
    const { headers } = makeConnectEvent({
      ...base,
      headers: { 'x-forwarded-for': '203.0.113.1' },
    });
    expect(headers['X-Forwarded-For']).toBe('203.0.113.1, 198.51.100.7');
    expect(headers).not.toHaveProperty('x-forwarded-for');
  });

  it('1.5 has the same headers as lists', () => {
    const { headers, multiValueHeaders } = makeConnectEvent({
      headers: { Cookie: ['a=1', 'b=2'] },
    });
    expect(keys(multiValueHeaders)).toEqual(keys(headers));
    expect(multiValueHeaders['Cookie']).toEqual(['a=1', 'b=2']);
    expect(headers['Cookie']).toBe('b=2');
  });

  it('1.7 has the keys of its context in order', () => {
    const event = makeConnectEvent({ ...base, authorizer: { principalId: 'ann' } });
    expect(keys(event.requestContext)).toEqual([
      'routeKey',
      'authorizer',
      'eventType',
      'extendedRequestId',
      'requestTime',
      'messageDirection',
      'stage',
      'connectedAt',
      'requestTimeEpoch',
      'identity',
      'requestId',
      'domainName',
      'connectionId',
      'apiId',
    ]);
    expect(event.requestContext).toMatchObject({ routeKey: '$connect', eventType: 'CONNECT' });
    expect(makeConnectEvent().requestContext).not.toHaveProperty('authorizer');
  });

  it('1.8 has stage variables only when there are some', () => {
    expect(makeConnectEvent()).not.toHaveProperty('stageVariables');
    expect(makeConnectEvent({ stageVariables: { color: 'red' } }).stageVariables).toEqual({
      color: 'red',
    });
  });

  it('takes a header named __proto__ for a header', () => {
    const headers = JSON.parse('{ "__proto__": "x" }') as Record<string, string>;
    expect(keys(makeConnectEvent({ headers }).headers)).toContain('__proto__');
  });
});

describe('makeMessageEvent', () => {
  it('1.10 has its keys in order, without headers and query', () => {
    expect(keys(makeMessageEvent({ stageVariables: { v: '1' } }))).toEqual([
      'requestContext',
      'stageVariables',
      'body',
      'isBase64Encoded',
    ]);
    expect(makeMessageEvent()).not.toHaveProperty('stageVariables');
  });

  it('1.11 carries the text as it came', () => {
    expect(makeMessageEvent({ body: '{\r\n\t"a": 1\r\n}' }).body).toBe('{\r\n\t"a": 1\r\n}');
  });

  it('1.12 has the keys of its context in order', () => {
    const event = makeMessageEvent({ ...base, authorizer: { principalId: 'ann' } });
    expect(keys(event.requestContext)).toEqual([
      'routeKey',
      'authorizer',
      'messageId',
      'eventType',
      'extendedRequestId',
      'requestTime',
      'messageDirection',
      'stage',
      'connectedAt',
      'requestTimeEpoch',
      'identity',
      'requestId',
      'domainName',
      'connectionId',
      'apiId',
    ]);
    expect(event.requestContext.eventType).toBe('MESSAGE');
  });

  it('1.13 names the route that was selected', () => {
    expect(makeMessageEvent().requestContext.routeKey).toBe('$default');
    expect(makeMessageEvent({ routeKey: 'send' }).requestContext.routeKey).toBe('send');
  });

  it('1.14 is never in base64', () => {
    expect(makeMessageEvent().isBase64Encoded).toBe(false);
  });
});

describe('makeDisconnectEvent', () => {
  it('1.20 has its keys in order, without body and query', () => {
    expect(keys(makeDisconnectEvent({ stageVariables: { v: '1' } }))).toEqual([
      'headers',
      'multiValueHeaders',
      'requestContext',
      'isBase64Encoded',
    ]);
  });

  it('1.21 has four headers of its own and none of the client', () => {
    const { headers, multiValueHeaders } = makeDisconnectEvent(base);
    expect(Object.entries(headers)).toEqual([
      ['Host', base.domainName],
      ['x-api-key', ''],
      ['X-Forwarded-For', ''],
      ['x-restapi', ''],
    ]);
    expect(multiValueHeaders).toEqual({
      Host: [base.domainName],
      'x-api-key': [''],
      'X-Forwarded-For': [''],
      'x-restapi': [''],
    });
  });

  it('1.22 has the keys of its context in order', () => {
    const event = makeDisconnectEvent({ ...base, authorizer: { principalId: 'ann' } });
    expect(keys(event.requestContext)).toEqual([
      'routeKey',
      'disconnectStatusCode',
      'authorizer',
      'eventType',
      'extendedRequestId',
      'requestTime',
      'messageDirection',
      'disconnectReason',
      'stage',
      'connectedAt',
      'requestTimeEpoch',
      'identity',
      'requestId',
      'domainName',
      'connectionId',
      'apiId',
    ]);
    expect(event.requestContext.routeKey).toBe('$disconnect');
    expect(event.requestContext.eventType).toBe('DISCONNECT');
  });

  it.each([
    ['1.23', {}, { code: 1005, reason: 'Client-side close frame status not set' }],
    ['1.24', { code: 1001 }, { code: 1001, reason: '' }],
    ['1.25', { code: 1001, reason: 'Going away' }, { code: 1001, reason: 'Going away' }],
    ['1.27', { code: 4000, reason: 'bye' }, { code: 4000, reason: 'bye' }],
  ])('%s says how the connection ended: %j', (_row, options, expected) => {
    const { disconnectStatusCode, disconnectReason } = makeDisconnectEvent(options).requestContext;
    expect({ code: disconnectStatusCode, reason: disconnectReason }).toEqual(expected);
  });
});

describe('makeAuthorizerEvent', () => {
  it('1.40 has its keys in order', () => {
    expect(keys(makeAuthorizerEvent({ query: { token: 't' } }))).toEqual([
      'type',
      'methodArn',
      'headers',
      'multiValueHeaders',
      'queryStringParameters',
      'multiValueQueryStringParameters',
      'stageVariables',
      'requestContext',
    ]);
    expect(makeAuthorizerEvent().type).toBe('REQUEST');
  });

  it('1.41 names $connect of the stage in methodArn', () => {
    expect(makeAuthorizerEvent({ ...base, region: 'eu-west-1' }).methodArn).toBe(
      'arn:aws:execute-api:eu-west-1:123456789012:x1y2z3a4b5/production/$connect',
    );
  });

  it.each([
    ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
    ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com'],
    ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu'],
  ])('has the partition of %s in names', (region, name, suffix) => {
    const { methodArn, requestContext } = makeAuthorizerEvent({ region });
    expect(methodArn).toMatch(new RegExp(`^arn:${name}:execute-api:${region}:`));
    expect(requestContext.domainName).toBe(`abcde12345.execute-api.${region}.${suffix}`);
  });

  it('1.42 keeps the upgrade headers, and says that there is no content', () => {
    const { headers, multiValueHeaders } = makeAuthorizerEvent({
      headers: { connection: 'Upgrade', upgrade: 'WebSocket' },
    });
    expect(keys(headers).slice(0, 3)).toEqual(['Connection', 'content-length', 'Host']);
    expect(headers).toMatchObject({
      Connection: 'upgrade',
      Upgrade: 'websocket',
      'content-length': '0',
    });
    expect(multiValueHeaders['Upgrade']).toEqual(['websocket']);
  });

  it('1.43 always has stage variables', () => {
    expect(makeAuthorizerEvent().stageVariables).toEqual({});
    expect(makeAuthorizerEvent({ stageVariables: { v: '1' } }).stageVariables).toEqual({ v: '1' });
  });

  it('1.44 lacks the query keys when there is no query', () => {
    expect(makeAuthorizerEvent()).not.toHaveProperty('queryStringParameters');
  });

  it('1.45 has the context of CONNECT, without an authorizer', () => {
    const authorized = { ...base, authorizer: { principalId: 'ann' } };
    const { requestContext } = makeAuthorizerEvent(authorized);
    expect(requestContext).toEqual(makeConnectEvent(base).requestContext);
  });
});
