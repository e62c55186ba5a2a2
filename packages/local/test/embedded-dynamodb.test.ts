import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@gatecast/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startGateway } from '../src/start-gateway.js';
import type { RoomChannel } from './fixtures/rooms-on-dynamodb/app.js';
import { openConnection } from './open-connection.js';

const entry = fileURLToPath(new URL('fixtures/rooms-on-dynamodb/app.ts', import.meta.url));
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
