import { request as httpRequest } from 'node:http';
import { createConnection } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../src/dev/cli.js';
import { openEmbeddedDynamoDb } from '../src/dev/dynamodb/embedded-dynamodb.js';
import { openGateway } from '../src/dev/open-gateway.js';
import type { Fault } from '../src/gateway/faults.js';
import type { Gateway } from '../src/gateway/open-gateway.js';
import { openRecordedRole, openTestService, policy } from './local-services.js';
import { sign } from './signed-request.js';

// FUZZ_SEED repeats a run, FUZZ_TIMES=20 makes it 20 times as long.
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_126);
const times = Number(process.env['FUZZ_TIMES'] ?? 1);
const timeout = 300_000 * times;

const crashes: unknown[] = [];
const noteCrash = (error: unknown): void => void crashes.push(error);

beforeAll(() => {
  process.on('uncaughtException', noteCrash).on('unhandledRejection', noteCrash);
});
afterAll(() => {
  process.off('uncaughtException', noteCrash).off('unhandledRejection', noteCrash);
});

async function holds<T extends [unknown, ...unknown[]]>(
  property: fc.IAsyncProperty<T>,
  numRuns: number,
): Promise<void> {
  await fc.assert(property, { seed, numRuns: numRuns * times, timeout: 60_000 });
  expect(crashes).toEqual([]);
}

/** A value that is often nearly right. */
const value = fc.oneof(
  fc.constantFrom('', '0', '-1', '2h', '1.5s', '9999999d', 'post', 'invocation', '$disconnect'),
  fc.constantFrom('killed', 'delayed', 'lost', 'throttled', '__proto__', null, true, 0, -1, 0.5),
  fc.constantFrom(2 ** 31, 2 ** 53, Number.MAX_VALUE, [], {}, [1], { a: 1 }),
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.jsonValue(),
);
const faultKeys = ['on', 'kind', 'times', 'probability', 'connectionId', 'delayMs', 'routeKey'];
const key = fc.oneof(
  fc.constantFrom(...faultKeys, 'by', 'delay', 'text', 'type', '__proto__', 'constructor'),
  fc.string(),
);
const object = fc.dictionary(key, value, { maxKeys: 6 });

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request, which may be cut off; `status` 0 when there was no answer. */
function ask(
  port: number,
  options: { method: string; path: string; headers: Record<string, string> },
  body: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve) => {
    const { method: how, path } = options;
    // Node gives a body of GET or DELETE no length by itself.
    const headers = { ...options.headers, 'content-length': String(Buffer.byteLength(body)) };
    const where = { host: '127.0.0.1', port, agent: false, method: how, path, headers };
    const asked = httpRequest(where, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        // The stream of events does not end.
        if (response.headers['content-type'] === 'text/event-stream') asked.destroy();
      });
      response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('error', () => resolve({ status: 0, text: '' }));
    asked.end(body);
  });
}

/** Random bytes instead of a request, and the end. */
function cutOff(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(bytes, () => {
      socket.resetAndDestroy();
    });
  });
}

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS');
const header = fc.record(
  {
    origin: fc.constantFrom('null', 'https://evil.example', 'http://localhost:1'),
    'content-type': fc.constantFrom('application/json', 'text/plain', ''),
    'sec-fetch-site': fc.constantFrom('cross-site', 'same-origin', 'none'),
  },
  { requiredKeys: [] },
);
const bodyText = fc.oneof(
  object.map((one) => JSON.stringify(one)),
  fc.json(),
  fc.string(),
  fc.constantFrom('{', '[]', 'null', '{"text":1}', `{"text":"${'x'.repeat(200_000)}"}`),
);

describe('any request to the control API', { timeout }, () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await openGateway({ control: true });
    gateway.use({
      handler: { invoke: async () => ({ type: 'response', payload: { statusCode: 200 } }) },
      routes: [{ routeKey: '$default', twoWay: true }],
    });
  });
  afterAll(() => gateway.close());

  const path = fc.oneof(
    fc.constantFrom('', 'state', 'clock', 'faults', 'environments', 'events', 'page.js', 'env'),
    fc.constantFrom('connections/x', 'connections/%zz', 'connections/%00', '../../package.json'),
    fc.constantFrom('%2e%2e/%2e%2e/package.json', 'connections/', 'connections/a/b', '\\..\\x'),
    fc.webPath(),
  );

  it('is answered, by a clear message if it is refused', async () => {
    const property = fc.asyncProperty(method, path, header, bodyText, async (...request) => {
      const [how, where, headers, body] = request;
      const target = encodeURI(`/@gatecast/${where}`).replaceAll('%25', '%');
      const all = { host: `localhost:${gateway.port}`, ...headers };
      const { status, text } = await ask(
        gateway.port,
        { method: how, path: target, headers: all },
        body,
      );
      expect([200, 400, 403, 404, 405, 409, 413, 415, 426, 429]).toContain(status);
      const isControl = new URL(target, 'http://localhost').pathname.startsWith('/@gatecast/');
      const isRefused = isControl && status >= 400 && how !== 'HEAD';
      expect(text).toMatch(isRefused ? /"message":".+\."/ : /^/);
    });
    await holds(property, 2_500);
    const state = await fetch(`http://localhost:${gateway.port}/@gatecast/state`);
    expect(state.status).toBe(200);
  });
});

describe('any fault', { timeout }, () => {
  it('is taken, or refused with what to change', async () => {
    await using gateway = await openGateway();
    const property = fc.asyncProperty(object, async (fault) => {
      let said = 'Taken.';
      try {
        gateway.faults.add(fault as unknown as Fault);
      } catch (error) {
        said = (error as Error).message;
      }
      gateway.faults.clear();
      expect(said).toMatch(/\S.*\.$/s);
      expect(said).not.toMatch(/is not a function|Cannot read/);
    });
    await holds(property, 2_500);
  });
});

describe('any command line', { timeout }, () => {
  const word = fc.oneof(
    fc.constantFrom('dev', 'routes', 'manifest', 'clock', 'fault', 'env', 'invoke', 'template'),
    fc.constantFrom('missing.mjs', 'post', 'invocation', 'killed', '--help', '-h', '--', '-'),
    fc.constantFrom('--port', '--timeout', '--delay', '--stage', '--host', '--times', '--static'),
    fc.constantFrom('--port=1', '--probability', '--inspect', '--template', '--env', '--routes'),
    fc.constantFrom('70000', '-1', '0', '1e9', '2.5', 'abc', '', 'a=b', '/', '--no-such'),
    fc.string(),
  );

  it('ends with a code and a sentence', async () => {
    const printed: string[] = [];
    const print = (text: unknown): boolean => {
      printed.push(String(text));
      return true;
    };
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation(print),
    );
    try {
      const line = fc.array(word, { maxLength: 6 });
      const property = fc.asyncProperty(line, async ([command = 'dev', ...rest]) => {
        printed.length = 0;
        // A function that is missing, so that no gateway stays open.
        const code = await main([command, 'missing.mjs', ...rest]);
        expect([0, 1, 2]).toContain(code);
        const text = printed.join('');
        expect(text).toMatch(/\S/);
        expect(text).not.toMatch(/^ {4}at /m);
      });
      await holds(property, 1_500);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  });
});

const table = {
  TableName: 'gatecast',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
} as const;

describe('anything at the door of the embedded DynamoDB', { timeout }, () => {
  it('is answered or cut off, and never ends it', async () => {
    await using dynamodb = await openEmbeddedDynamoDb({ directory: undefined, tables: [table] });
    const { port } = new URL(dynamodb.endpoint);
    const target = fc.constantFrom('PutItem', 'GetItem', 'Query', 'CreateTable', 'x', '', 'Scan');
    const property = fc.asyncProperty(
      method,
      header,
      target,
      bodyText,
      fc.uint8Array({ maxLength: 300 }),
      fc.boolean(),
      async (how, headers, name, body, bytes, isGarbage) => {
        if (isGarbage) return cutOff(Number(port), bytes);
        const all = {
          host: `localhost:${port}`,
          ...headers,
          'x-amz-target': `DynamoDB_20120810.${name}`,
          authorization: 'AWS4-HMAC-SHA256 Credential=a/20261126/us-east-1/dynamodb/aws4_request',
        };
        const { status } = await ask(Number(port), { method: how, path: '/', headers: all }, body);
        const isForeign = headers.origin !== undefined;
        expect(isForeign ? [403] : [200, 400, 403, 404, 413, 500]).toContain(status);
        return undefined;
      },
    );
    await holds(property, 1_500);
    const check = await ask(
      Number(port),
      { method: 'GET', path: '/', headers: { host: `localhost:${port}` } },
      '',
    );
    expect(check.status).toBe(200);
  });
});

const fields =
  'TableName IndexName Key Keys Item RequestItems TransactItems Put Get PutRequest QueueUrl QueueName ' +
  'KeyConditionExpression ExpressionAttributeNames S #a __proto__ constructor';
const operations =
  'DynamoDB_20120810.PutItem DynamoDB_20120810.Query DynamoDB_20120810.BatchGetItem ' +
  'DynamoDB_20120810.BatchWriteItem DynamoDB_20120810.TransactWriteItems AmazonSQS.SendMessage ' +
  'AmazonSQS.GetQueueUrl AmazonSQS.constructor x';
const input = fc.letrec<{ node: unknown; object: object }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('orders', 'a = :b', '#a=:b AND c IN (', '::', 'http://x/1/q', 'arn:aws:x', ''),
    fc.constantFrom(null, true, 0),
    tie('object'),
    fc.array(tie('node'), { maxLength: 3 }),
  ),
  object: fc.dictionary(fc.constantFrom(...fields.split(' ')), tie('node'), { maxKeys: 4 }),
})).object;

describe('anything at the door of the recorder', { timeout }, () => {
  it('is passed on, refused or cut off, and never ends it', async () => {
    await using service = await openTestService();
    const endpoints = { dynamodb: service.endpoint, sqs: service.endpoint };
    const leading = { StringEquals: { 'dynamodb:LeadingKeys': 'a' } };
    await using role = await openRecordedRole(
      policy({ Effect: 'Allow', Action: '*', Resource: '*', Condition: leading }),
      endpoints,
    );
    const { port, credential } = role;
    const target = fc.constantFrom(...operations.split(' '), '');
    const call = fc.record({
      how: method,
      target,
      service: fc.constantFrom('dynamodb', 'sqs', 'sns'),
      path: fc.constantFrom('/', '/1/q', '/?Action=SendMessage&Action=x', '//%', '/%2F?%'),
      body: fc.oneof(
        input.map((one) => JSON.stringify(one)),
        bodyText,
        fc.constantFrom('Action=SendMessage', 'Action=SendMessage&QueueUrl=%'),
      ),
      bytes: fc.uint8Array({ maxLength: 300 }),
      kind: fc.constantFrom('signed', 'signed', 'signed', 'unsigned', 'garbage'),
    });
    const property = fc.asyncProperty(call, async ({ how, path, body, bytes, kind, ...sent }) => {
      if (kind === 'garbage') return cutOff(port, bytes);
      const headers: Record<string, string> =
        sent.target === '' ? {} : { 'x-amz-target': sent.target };
      const signed = sign({ port, path, method: how, body, key: credential, headers, ...sent });
      const unsigned = { ...signed, authorization: '' };
      const asked = { method: how, path, headers: kind === 'signed' ? signed : unsigned };
      const { status } = await ask(port, asked, body);
      expect(kind === 'signed' ? [200, 400, 403] : [400, 403]).toContain(status);
      return undefined;
    });
    await holds(property, 1_500);
  });
});
