import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it, vi } from 'vitest';
import { openRecorder } from '../src/dev/recorder/recorder.js';
import { Credentials } from '../src/gateway/access/credentials.js';
import { errorOf, openRecordedRole, openTestService } from './local-services.js';
import { sendRequest, sendSigned, sign } from './signed-request.js';

const get = new GetItemCommand({ TableName: 'notes', Key: { pk: { S: 'a' } } });
const MB = 1024 * 1024;
const target = { 'x-amz-target': 'DynamoDB_20120810.PutItem' };

describe('a service that cannot be reached', () => {
  it('is unavailable, and the SDKs try again', async () => {
    const gone = await openTestService();
    const { endpoint } = gone;
    await gone[Symbol.asyncDispose]();
    await using role = await openRecordedRole(undefined, { dynamodb: endpoint, sqs: endpoint });
    const error = await errorOf(role.dynamodb.send(get));
    expect(error).toMatchObject({ name: 'ServiceUnavailable', status: 503, attempts: 3 });
    expect(error.message).toContain(`There is no dynamodb at "${endpoint}": connect ECONNREFUSED`);
    const QueueUrl = `${role.endpoint}/123456789012/jobs`;
    const send = new SendMessageCommand({ QueueUrl, MessageBody: 'x' });
    expect(await errorOf(role.sqs.send(send))).toMatchObject({ status: 503, attempts: 3 });
  });

  it('was never there', async () => {
    await using role = await openRecordedRole(undefined, { dynamodb: 'no URL' });
    expect(await errorOf(role.dynamodb.send(get))).toMatchObject({ status: 503 });
    await using other = await openRecordedRole(undefined, {});
    expect((await errorOf(other.dynamodb.send(get))).message).toBe(
      'The function has no endpoint of dynamodb. Set AWS_ENDPOINT_URL_DYNAMODB.',
    );
  });

  it('hangs up on a new connection', async () => {
    await using service = await openTestService((response) => response.destroy());
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    expect(await errorOf(role.dynamodb.send(get))).toMatchObject({ status: 503, attempts: 3 });
    expect(service.requests).toHaveLength(3);
  });
});

describe('connections to a service', () => {
  it('are used again', async () => {
    const ports = new Set<number | undefined>();
    await using service = await openTestService((response, { socket }) => {
      ports.add(socket.remotePort);
      response.end('{}');
    });
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    for (let call = 0; call < 3; call += 1) await role.dynamodb.send(get);
    expect(ports.size).toBe(1);
  });

  it('may be closed by the service between two calls', async () => {
    let calls = 0;
    await using service = await openTestService((response, { socket }) => {
      calls += 1;
      // The second one is hung up on, as by a service that closed the connection meanwhile.
      if (calls === 2) socket.destroy();
      else response.end('{}');
    });
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    await role.dynamodb.send(get);
    const { $metadata } = await role.dynamodb.send(get);
    expect($metadata.attempts).toBe(1);
    expect(calls).toBe(3);
  });

  it('carry many calls at once', async () => {
    await using service = await openTestService((response, request) => {
      response.end(JSON.stringify({ ConsumedCapacity: { TableName: request.headers['x-test'] } }));
    });
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    const names = Array.from({ length: 50 }, (_, index) => `call-${index}`);
    const answers = await Promise.all(
      names.map(async (name) => {
        const headers = { ...target, 'x-test': name };
        const request = { port: role.port, key: role.credential, path: '/', headers, body: '{}' };
        return JSON.parse((await sendSigned({ ...request, service: 'dynamodb' })).body) as unknown;
      }),
    );
    expect(answers).toEqual(names.map((TableName) => ({ ConsumedCapacity: { TableName } })));
  });
});

describe('a request', () => {
  it('may have 16 MB, and no more', async () => {
    await using service = await openTestService();
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    const request = {
      port: role.port,
      key: role.credential,
      path: '/',
      service: 'dynamodb',
      headers: target,
    };
    const body = JSON.stringify({ TableName: 'notes', Item: { pk: { S: '' } } });
    const filled = `${body.slice(0, -4)}${'x'.repeat(16 * MB - body.length)}${body.slice(-4)}`;
    expect((await sendSigned({ ...request, body: filled })).status).toBe(200);
    expect(service.requests[0]?.body).toHaveLength(16 * MB);
    const refused = await sendSigned({ ...request, body: `${filled} ` });
    expect(refused.status).toBe(413);
    expect(refused.body).toContain('larger than 16777216 bytes');
    expect(service.requests).toHaveLength(1);
  });

  it('that is cut off reaches nobody', async () => {
    await using service = await openTestService();
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    const socket = connect(role.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"TableName":');
    socket.destroy();
    await once(socket, 'close');
    await role.dynamodb.send(get);
    expect(service.requests).toHaveLength(1);
  });

  it('is given up at the service if the client gives it up', async () => {
    const closed = vi.fn();
    await using service = await openTestService((response) => response.once('close', closed));
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    const options = { port: role.port, key: role.credential, path: '/', headers: target };
    const headers = sign({ ...options, service: 'dynamodb', body: '{}' });
    const request = httpRequest({ host: '127.0.0.1', port: role.port, method: 'POST', headers });
    request.on('error', () => {});
    request.end('{}');
    await vi.waitFor(() => expect(service.requests).toHaveLength(1));
    request.destroy();
    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
    expect(service.requests).toHaveLength(1);
  });

  it('is cut off, too, if the answer of the service is cut off', async () => {
    await using service = await openTestService((response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"Item":');
      setImmediate(() => response.destroy());
    });
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    expect((await errorOf(role.dynamodb.send(get))).status).not.toBe(503);
  });

  it('must be from this machine, and not from a page', async () => {
    await using service = await openTestService();
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    const place = { port: role.port, path: '/', service: 'dynamodb' };
    const request = { ...place, key: role.credential, body: '{}' };
    const origin = { ...target, origin: 'http://localhost:3000' };
    const host = { ...target, host: `rebound.example:${role.port}` };
    for (const headers of [origin, host]) {
      const { status, body } = await sendSigned({ ...request, headers });
      expect(status).toBe(403);
      expect(body).toContain('only answers to functions of this machine');
    }
    expect((await sendSigned({ ...request, headers: target })).status).toBe(200);
    expect(service.requests).toHaveLength(1);
  });

  it('is passed on unchanged, but for headers of the connection', async () => {
    await using service = await openTestService((response) => {
      response.writeHead(418, { 'x-amz-crc32': '7', connection: 'close' }).end('answer');
    });
    await using role = await openRecordedRole(undefined, { dynamodb: `${service.endpoint}/base/` });
    const { status, headers, body } = await sendSigned({
      port: role.port,
      key: role.credential,
      path: '/a%20b?c=d',
      body: '{"a":1}',
      service: 'dynamodb',
      headers: { ...target, connection: 'keep-alive, x' },
    });
    expect([status, headers['x-amz-crc32'], body]).toEqual([418, '7', 'answer']);
    const [{ request, body: sent } = {}] = service.requests;
    expect([request?.method, request?.url, sent]).toEqual(['POST', '/base/a%20b?c=d', '{"a":1}']);
    expect(request?.headers.host).toBe(new URL(service.endpoint).host);
    expect(request?.headers.authorization).toContain(role.credential.accessKeyId);
  });
});

describe('closing a recorder', () => {
  it('ends calls that are on their way, and idle connections', async () => {
    await using service = await openTestService(() => {});
    const credentials = new Credentials();
    const recorder = await openRecorder(credentials);
    const credential = credentials.issue('ann');
    const endpoints = { dynamodb: service.endpoint };
    recorder.register(credential.accessKeyId, { functionArn: 'arn:f', endpoints });
    const options = { endpoint: recorder.endpoint, region: 'us-east-1', maxAttempts: 1 };
    const client = new DynamoDBClient({ ...options, credentials: credential });
    const error = errorOf(client.send(get));
    await vi.waitFor(() => expect(service.requests).toHaveLength(1));
    const closed = vi.fn();
    service.requests[0]?.request.socket.once('close', closed);
    await recorder[Symbol.asyncDispose]();
    expect((await error).status).toBeUndefined();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
    const path = '/';
    const port = Number(new URL(recorder.endpoint).port);
    await expect(sendRequest({ port, path })).rejects.toThrow('ECONNREFUSED');
  });
});
