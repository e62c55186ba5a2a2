// The chat with several environments on real engines. One environment dies during the test.
import { fileURLToPath } from 'node:url';
import { createClient } from '@gatecast/client';
import { startGateway } from '@gatecast/local';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { RoomChannel } from '../examples/chat/server/rooms.js';
import {
  isWithoutDynamoDbLocal,
  startDynamoDbLocal,
} from '../packages/adapters/test/engines/dynamodb-local.js';
import { describeRedis, RedisServer } from '../packages/adapters/test/engines/redis-server.js';
import { startDynalite } from '../packages/adapters/test/engines/start-dynalite.js';
import { openTable } from '../packages/adapters/test/table-under-test.js';

const onDynamoDb = fileURLToPath(new URL('../examples/chat/server/app.ts', import.meta.url));
const onRedis = fileURLToPath(new URL('../examples/chat/server/app-on-redis.ts', import.meta.url));
const MESSAGES = 20;

async function expectToChat(
  entry: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  await using gateway = await startGateway({ entry, environment, quiet: true });
  const clients = [0, 1].map(() => createClient({ url: gateway.url, WebSocket }));
  const [ann, bob] = clients.map((client) => client.channel<RoomChannel>('rooms/general'));
  const heard: string[] = [];
  bob?.on('message', ({ text }) => heard.push(text));
  await Promise.all([ann?.subscribe(), bob?.subscribe()]);

  // It kills only the environment of one message, which the client sends again.
  gateway.faults.add({ on: 'invocation', kind: 'killed', routeKey: 'rooms.post', times: 1 });
  const texts = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
  for (const text of texts) await ann?.send('post', { text, from: 'Ann' });
  await vi.waitFor(() => expect(heard).toEqual(texts), 10_000);
  for (const client of clients) client.close();
}

// oxlint-disable vitest/expect-expect -- expectToChat asserts.
describe('the chat, with an environment that is killed meanwhile', () => {
  it('goes on, on dynalite', async () => {
    await using engine = await startDynalite();
    await using table = await openTable(engine);
    await expectToChat(onDynamoDb, {
      AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
      GATECAST_TABLE: table.table,
    });
  });

  it.skipIf(isWithoutDynamoDbLocal)('keeps working on DynamoDB Local', async () => {
    await using engine = await startDynamoDbLocal();
    await using table = await openTable(engine);
    await expectToChat(onDynamoDb, {
      AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
      GATECAST_TABLE: table.table,
    });
  });
});

describeRedis('the chat on Redis, with an environment that is killed meanwhile', () => {
  it('goes on', async () => {
    await using server = await RedisServer.start();
    await expectToChat(onRedis, { GATECAST_REDIS_URL: server.url });
  });
});
