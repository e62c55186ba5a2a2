import { randomUUID } from 'node:crypto';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { redisStore } from '@gatecast/adapters/redis';
import {
  Channel,
  type ChannelType,
  composeStore,
  type MessageContext,
  OnMessage,
  type Store,
} from '@gatecast/framework';
import { createTestApp, type TestConnection } from '@gatecast/framework/testing';
import type { HistoryReply, ReplyFrame, SubscribeOutcome } from '@gatecast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { isWithoutRedis, RedisServer } from './engines/redis-server.js';
import { startDynalite } from './engines/start-dynalite.js';
import { makeTestClient } from './table-under-test.js';

type Room = ChannelType<'rooms/:roomId', { message: { number: number; text: string } }>;

@Channel('rooms/:roomId', { history: { retentionSeconds: 600 } })
class RoomChannel {
  @OnMessage()
  post(number: number, { channel }: MessageContext<Room>) {
    return channel.publish('message', { number, text: 'x'.repeat(1_000) });
  }
}

const engines: { dynalite?: Engine; redis?: RedisServer } = {};
beforeAll(async () => {
  engines.dynalite = await startDynalite();
  if (!isWithoutRedis) engines.redis = await RedisServer.start();
});
afterAll(async () => {
  await engines.dynalite?.[Symbol.asyncDispose]();
  await engines.redis?.[Symbol.asyncDispose]();
});

async function onDynamoDb(): Promise<Store> {
  const table = `t-${randomUUID()}`;
  const client = makeTestClient(engines.dynalite?.endpoint ?? '');
  await createTable({ table, client });
  return dynamoDbStore({ table, client, budgetMs: 60_000 });
}

function onRedis(): Store {
  return redisStore({ url: engines.redis?.url ?? '', keyPrefix: randomUUID() });
}

const stores: readonly [string, boolean, () => Promise<Store>][] = [
  ['dynamodb', false, onDynamoDb],
  ['redis', isWithoutRedis, async () => onRedis()],
  [
    'redis+dynamodb',
    isWithoutRedis,
    async () => composeStore({ connections: onRedis(), log: await onDynamoDb() }),
  ],
];

function numbersOf(reply: HistoryReply | SubscribeOutcome | undefined): unknown[] {
  const { events = [] } = reply as { events?: readonly { data: { number: number } }[] };
  return events.map(({ data }) => data.number);
}

async function post(connection: TestConnection, data: number): Promise<string> {
  const answer = await connection.send('rooms.post', 'rooms/1', data);
  return ((answer as ReplyFrame).data as { position: string }).position;
}

for (const [name, isMissing, open] of stores) {
  describe.skipIf(isMissing)(`an app with history on ${name}`, () => {
    it('gives a client that comes back everything that it has missed', async () => {
      const store = await open();
      expect(store.name).toBe(name);
      const app = createTestApp({ channels: [RoomChannel], store });
      const [ann, bob] = [await app.connect(), await app.connect()];
      await ann.subscribe('rooms/1');
      await bob.subscribe('rooms/1');
      const first = await post(ann, 0);
      expect(bob.events).toMatchObject([{ data: { number: 0 }, position: first }]);
      await bob.disconnect();
      // More than one drop from the head of a log, and more than a frame has room for.
      for (let data = 1; data <= 50; data += 1) await post(ann, data);
      const back = await app.connect();
      const [outcome] = await back.subscribe({ channel: 'rooms/1', position: first });
      expect(outcome).toMatchObject({ result: 'resumed', more: true });
      const missed = numbersOf(outcome);
      let { position = '' } = (outcome as { events: { position?: string }[] }).events.at(-1) ?? {};
      for (;;) {
        const answer = (await back.sendFrame({
          action: 'history',
          id: 'h',
          channel: 'rooms/1',
          after: position,
          limit: 1_000,
        })) as ReplyFrame;
        const page = answer.data as HistoryReply & { result: 'page' };
        missed.push(...numbersOf(page));
        position = page.events.at(-1)?.position ?? position;
        if (!page.more) break;
      }
      expect(missed).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      const sync = { action: 'sync', id: 's', positions: { 'rooms/1': position } };
      expect(await back.sendFrame(sync)).toMatchObject({
        data: { channels: [{ channel: 'rooms/1', result: 'current' }] },
      });
      await app.app.channel('rooms/1').purge();
      const [reset] = await back.subscribe({ channel: 'rooms/1', position: first, rewind: 5 });
      expect(reset).toMatchObject({ result: 'reset', reason: 'trimmed' });
      expect(numbersOf(reset)).toEqual([]);
      await store[Symbol.asyncDispose]?.();
    });

    it('appends a message once, however often and at once it is sent', async () => {
      const store = await open();
      const app = createTestApp({ channels: [RoomChannel], store });
      const ann = await app.connect();
      const frame = { action: 'rooms.post', id: 'one', channel: 'rooms/1', data: 7 };
      const answers = await Promise.all(Array.from({ length: 10 }, () => ann.sendFrame(frame)));
      const results = answers.map((answer) => (answer as ReplyFrame).data) as {
        position: string;
        duplicate: boolean;
      }[];
      expect(new Set(results.map(({ position }) => position)).size).toBe(1);
      expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
      expect((await app.app.channel('rooms/1').history()).events).toHaveLength(1);
      await store[Symbol.asyncDispose]?.();
    });
  });
}
