// What an app with history leaves in Redis, and what a fail-over of Redis means for its clients.

import { randomUUID } from 'node:crypto';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { redisStore } from '@gatecast/adapters/redis';
import {
  Channel,
  type ChannelType,
  composeStore,
  type MessageContext,
  OnMessage,
} from '@gatecast/framework';
import { createTestApp, type TestConnection } from '@gatecast/framework/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { startDynalite } from './engines/start-dynalite.js';
import { copyOf } from './redis-log-records.js';
import { openTable, type TableUnderTest } from './table-under-test.js';

type Room = ChannelType<'rooms/:roomId', { message: { text: unknown } }>;

@Channel('rooms/:roomId', { history: { retentionSeconds: 600 } })
class RoomChannel {
  @OnMessage()
  post(text: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text });
  }
}

interface Published {
  readonly position: string;
}

interface Told {
  readonly result: string;
  readonly reason?: string;
  readonly position: string;
  readonly events?: readonly { readonly data: { readonly text: string } }[];
}

async function post(connection: TestConnection, text: string): Promise<Published> {
  const answer = await connection.send('rooms.post', 'rooms/1', text);
  return (answer as unknown as { data: Published }).data;
}

async function subscribe(connection: TestConnection, position?: string): Promise<Told> {
  const [told] = await connection.subscribe({
    channel: 'rooms/1',
    ...(position !== undefined && { position }),
  });
  return told as unknown as Told;
}

const textsOf = ({ events = [] }: Pick<Told, 'events'>) => events.map(({ data }) => data.text);
const tagOf = (position: string) => position.split(':')[2];

describeRedis('an app with history', () => {
  let server: RedisServer;
  let engine: Engine;
  let table: TableUnderTest;
  beforeAll(async () => {
    server = await RedisServer.start();
    engine = await startDynalite();
    table = await openTable(engine);
  });
  afterAll(async () => {
    await table[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const keyPrefix = () => `app-${randomUUID()}:`;

  it('keeps each part of a composed store where it belongs', async () => {
    const prefix = keyPrefix();
    await using store = composeStore({
      connections: redisStore({ url: server.url, keyPrefix: prefix }),
      log: dynamoDbStore({ table: table.table, client: table.client, keyPrefix: prefix }),
    });
    expect(store.name).toBe('redis+dynamodb');
    const app = createTestApp({ channels: [RoomChannel], store });
    const ann = await app.connect();
    await subscribe(ann);
    await post(ann, 'one');
    const keys = await server.admin.keys(`${prefix}*`);
    expect(new Set(keys.map((key) => key[prefix.length]))).toEqual(new Set(['c', 's']));
    const rows = (await table.rows()).map(({ pk }) => pk?.S ?? '');
    const kinds = rows.filter((pk) => pk.startsWith(prefix)).map((pk) => pk[prefix.length]);
    expect(new Set(kinds)).toEqual(new Set(['B', 'H', 'L']));
  });

  it('in Redis tells clients when a fail-over has forgotten events that they have', async () => {
    const prefix = keyPrefix();
    await using store = redisStore({ url: server.url, keyPrefix: prefix });
    const app = createTestApp({ channels: [RoomChannel], store });
    const [ann, bob] = [await app.connect(), await app.connect()];
    await subscribe(bob);
    const first = await post(ann, 'one');
    const failOver = await copyOf(server.admin, prefix);
    const lost = await post(ann, 'lost');
    await failOver();
    const other = await post(ann, 'other');
    const next = await post(ann, 'next');
    expect(other.position.split(':')[1]).toBe(lost.position.split(':')[1]);
    // A client that has the lost event sees that the next one follows upon another.
    const { prev } = bob.events.at(-1) as { prev?: string };
    expect(prev).toBe(tagOf(other.position));
    expect(prev).not.toBe(tagOf(lost.position));
    expect(await subscribe(bob, lost.position)).toMatchObject({
      result: 'reset',
      reason: 'forked',
      position: next.position,
    });
    const told = await subscribe(bob, first.position);
    expect(textsOf(told)).toEqual(['other', 'next']);
  });

  it('in Redis has room for the position of the largest event', async () => {
    await using store = redisStore({ url: server.url, keyPrefix: keyPrefix() });
    const app = createTestApp({ channels: [RoomChannel], store });
    const ann = await app.connect();
    const { position } = await subscribe(ann);
    const room = app.app.channel('rooms/1');
    const id = 'i'.repeat(64);
    const size = 32_128 - JSON.stringify({ event: 'message', data: { text: '' }, id }).length;
    const text = 'x'.repeat(size);
    const { delivery } = await room.publish('message', { text }, { id });
    expect(delivery).toMatchObject({ delivered: 1 });
    expect(ann.events).toMatchObject([{ data: { text }, prev: '' }]);
    expect(textsOf(await subscribe(ann, position))).toEqual([text]);
  });
});
