import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import {
  Channel,
  type ChannelType,
  type MessageContext,
  OnMessage,
  type Store,
} from '@gatecast/framework';
import { createTestApp, type TestConnection } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { openTable } from './table-under-test.js';

type Room = ChannelType<'rooms/:roomId', { message: { number: number; text: string } }>;

@Channel('rooms/:roomId', { history: { retentionSeconds: 600 } })
class RoomChannel {
  @OnMessage()
  post(number: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { number: Number(number), text: 'x'.repeat(1_000) });
  }
}

/** What the answers of these tests contain. */
interface Answer {
  readonly position: string;
  readonly duplicate: boolean;
  readonly more?: true;
  readonly events: readonly {
    readonly data: { readonly number: number };
    readonly position: string;
  }[];
}

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function openStore(): Promise<Store> {
  const { table, client } = await openTable(engine);
  return dynamoDbStore({ table, client, budgetMs: 60_000 });
}

function numbersOf({ events }: Answer): unknown[] {
  return events.map(({ data }) => data.number);
}

async function ask(connection: TestConnection, frame: object): Promise<Answer> {
  return ((await connection.sendFrame(frame)) as unknown as { readonly data: Answer }).data;
}

async function post(connection: TestConnection, number: number): Promise<string> {
  const frame = { action: 'rooms.post', id: String(number), channel: 'rooms/1', data: number };
  return (await ask(connection, frame)).position;
}

describe('an app with history in DynamoDB', () => {
  it('gives a client that comes back everything that it has missed', async () => {
    const store = await openStore();
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
    const [outcome] = (await back.subscribe({
      channel: 'rooms/1',
      position: first,
    })) as unknown as [Answer];
    expect(outcome).toMatchObject({ result: 'resumed', more: true });
    const missed = numbersOf(outcome);
    let position = outcome.events.at(-1)?.position ?? first;
    for (;;) {
      const frame = { action: 'history', id: 'h', channel: 'rooms/1', limit: 1_000 };
      const page = await ask(back, { ...frame, after: position });
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
    expect(reset).toMatchObject({ result: 'reset', reason: 'trimmed', events: [] });
  });

  it('appends a message once, however often and at once it is sent', async () => {
    const store = await openStore();
    const app = createTestApp({ channels: [RoomChannel], store });
    const ann = await app.connect();
    const frame = { action: 'rooms.post', id: 'one', channel: 'rooms/1', data: 7 };
    const results = await Promise.all(Array.from({ length: 10 }, () => ask(ann, frame)));
    expect(new Set(results.map(({ position }) => position)).size).toBe(1);
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect((await app.app.channel('rooms/1').history()).events).toHaveLength(1);
  });
});
