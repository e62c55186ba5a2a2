import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableDefinition } from '@gatecast/adapters/dynamodb';
import { createClient } from '@gatecast/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { openEmbeddedDynamoDb } from '../src/dev/dynamodb/embedded-dynamodb.js';
import { startGateway } from '../src/dev/start-gateway.js';
import type { RoomChannel } from './fixtures/rooms-on-dynamodb/app.js';
import { openConnection } from './open-connection.js';
import { RawPeer } from './raw-peer.js';

const entry = fileURLToPath(new URL('fixtures/rooms-on-dynamodb/app.ts', import.meta.url));
const { AttributeDefinitions, KeySchema } = tableDefinition;
const tableKeys = { AttributeDefinitions, KeySchema };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-data-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

describe('an app on dynamoDbStore', () => {
  it('gets a DynamoDB, and several environments that share it', async () => {
    await using gateway = await startGateway({ quiet: true, entry });
    const clients = ['ann', 'bob'].map(() => createClient({ url: gateway.url, WebSocket }));
    const [ann, bob] = clients.map((client) => client.channel<RoomChannel>('rooms/1'));
    const heard = vi.fn();
    bob?.on('said', heard);
    await Promise.all([ann?.subscribe(), bob?.subscribe()]);
    // Each waits for the other, so they must run at the same time.
    const replies = await Promise.all([ann?.send('say', 'hi'), bob?.send('say', 'hello')]);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(2));
    expect(new Set(replies.map((reply) => reply?.pid)).size).toBe(2);
    for (const client of clients) client.close();
  });

  it('keeps its data in a folder over a restart', async () => {
    const rowsSeen = async () => {
      await using gateway = await startGateway({
        quiet: true,
        entry,
        dataDirectory: join(directory, 'new', 'folder'),
      });
      const client = createClient({ url: gateway.url, WebSocket });
      const seen = await client.channel('rooms/1').send('remember', 'one more');
      client.close();
      return seen;
    };
    expect(await rowsSeen()).toBe(1);
    expect(await rowsSeen()).toBe(2);
  });

  it('I10 gets the table that its own variable names', async () => {
    await using gateway = await startGateway({
      quiet: true,
      functions: { rooms: { entry, environment: { GATECAST_TABLE: 'own' } } },
      routes: [{ routeKey: '$connect', function: 'rooms' }],
    });
    await using connection = await openConnection(gateway.url);
    expect(connection).toBeDefined();
  });

  it('I10 is not started if a table in the data folder has other keys', async () => {
    const start = (keys: number) =>
      startGateway({
        quiet: true,
        entry,
        dataDirectory: directory,
        tables: [
          {
            TableName: 'one',
            AttributeDefinitions: AttributeDefinitions.slice(0, keys),
            KeySchema: KeySchema.slice(0, keys),
          },
        ],
      });
    await (await start(2)).close();
    await (await start(2)).close();
    await expect(start(1)).rejects.toMatchObject({
      code: 'ERR_DATA_UNAVAILABLE',
      message: expect.stringContaining(
        `The table "one" in the data folder "${directory}" has other`,
      ),
      hint: expect.stringContaining('--ephemeral'),
    });
  });

  it('uses the DynamoDB in the variables of the shell instead', async () => {
    const asked: unknown[] = [];
    const elsewhere = createServer((request, response) => {
      asked.push(request.headers['x-amz-target']);
      response.writeHead(400).end('{"__type":"AccessDeniedException"}');
    }).listen(0);
    await once(elsewhere, 'listening');
    const { port } = elsewhere.address() as AddressInfo;
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${port}`);
    vi.stubEnv('GATECAST_TABLE', 'mine');
    await using gateway = await startGateway({ quiet: true, entry });
    await expect(openConnection(gateway.url)).rejects.toThrow('500');
    // Then the removal of the refused connection.
    expect(asked[0]).toBe('DynamoDB_20120810.UpdateItem');
    elsewhere.closeAllConnections();
    elsewhere.close();
  });
});

/** Calls `ListTables` with further headers, and resolves to the status. */
async function listTables(
  endpoint: string,
  headers: Readonly<Record<string, string>> = {},
  body = '{}',
): Promise<{ readonly status: number | undefined; readonly headers: IncomingMessage['headers'] }> {
  const asking = request(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': 'DynamoDB_20120810.ListTables',
      'X-Amz-Date': '20260101T000000Z',
      Authorization: 'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c',
      ...headers,
    },
  }).end(body);
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  response.resume();
  return { status: response.statusCode, headers: response.headers };
}

describe('the embedded DynamoDB', () => {
  const tables = [{ TableName: 'chat', ...tableKeys }];
  const open = (folder?: string) => openEmbeddedDynamoDb({ directory: folder, tables });

  it.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Host: 'evil.example' },
    { Host: 'localhost.evil.example:80' },
  ])('I2 refuses what a web page can send: %j', async (headers) => {
    await using dynamoDb = await open();
    const refused = await listTables(dynamoDb.endpoint, headers);
    expect(refused.status).toBe(403);
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    expect(await listTables(dynamoDb.endpoint)).toMatchObject({ status: 200 });
  });

  it.each(['end', 'reset'] as const)('I2 survives a body that is cut off: %s', async (ending) => {
    await using dynamoDb = await open();
    await using peer = await RawPeer.open(Number(new URL(dynamoDb.endpoint).port));
    peer.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf a body');
    peer.leave(ending);
    await peer.closed;
    expect(await listTables(dynamoDb.endpoint)).toMatchObject({ status: 200 });
  });

  it('I2 survives a request that dynalite cannot read', async () => {
    await using dynamoDb = await open();
    expect(await listTables(dynamoDb.endpoint, {}, 'null')).toMatchObject({ status: 500 });
    expect(await listTables(dynamoDb.endpoint)).toMatchObject({ status: 200 });
  });

  it('I2 names the process that uses the folder already', async () => {
    const first = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({
      code: 'ERR_DATA_UNAVAILABLE',
      message: expect.stringContaining(`used by another gateway (pid ${process.pid})`),
      hint: expect.stringContaining('--ephemeral'),
    });
    expect(await listTables(first.endpoint)).toMatchObject({ status: 200 });
    await first[Symbol.asyncDispose]();
    await using second = await open(directory);
    expect(await listTables(second.endpoint)).toMatchObject({ status: 200 });
  });

  it('I2 says that the folder cannot be used', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    await expect(open(join(file, 'data'))).rejects.toMatchObject({
      code: 'ERR_DATA_UNAVAILABLE',
      message: expect.stringContaining('ENOTDIR'),
    });
  });
});
