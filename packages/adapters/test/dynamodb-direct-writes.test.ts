// A connection whose row API Gateway itself writes at $connect and marks at $disconnect: no function runs.
import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { createApp, defineChannel, event } from '@gatecast/framework';
import { makeAuthorizerEvent, makeMessageEvent } from '@gatecast/framework/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { dynamoDbStore } from '../src/dynamodb/index.js';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { ample, openTable, type TableUnderTest } from './table-under-test.js';

const KEY_PREFIX = 'chat/';
const API = { apiId: 'abcde12345', stage: 'dev', region: 'us-east-1' };
/** Longer than a connection counts as one that may still be opening. */
const A_MINUTE_AGO = Date.now() - 60_000;

let engine: Engine;
let table: TableUnderTest;
beforeAll(async () => {
  engine = await startDynalite();
  table = await openTable(engine, { keyPrefix: KEY_PREFIX });
});
afterAll(async () => {
  await table[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/** The context of the authorizer's answer. */
type Identity = Readonly<Record<string, string>>;

const keyOf = (connectionId: string) => ({
  pk: { S: `${KEY_PREFIX}C#${connectionId}` },
  sk: { S: 'META' },
});

/** What the mapping template of $connect writes: with an authorizer also its plain values, if it gave them. */
async function open(connectionId: string, context?: Identity): Promise<void> {
  // The template has whole seconds, as computing in it makes no fractions.
  const seconds = Math.floor(A_MINUTE_AGO / 1_000) + 8_100;
  const Item: Record<string, AttributeValue> = {
    ...keyOf(connectionId),
    connectionId: { S: connectionId },
    apiId: { S: API.apiId },
    stage: { S: API.stage },
    region: { S: API.region },
    connectedAt: { N: String(A_MINUTE_AGO) },
    expiresAt: { N: `${seconds}000` },
    ttl: { N: String(seconds) },
    ...(context?.['gatecastUserId'] !== undefined && { userId: { S: context['gatecastUserId'] } }),
    ...(context?.['gatecastExpiresAt'] !== undefined && {
      identityExpiresAt: { N: context['gatecastExpiresAt'] },
    }),
  };
  await table.client.send(new PutItemCommand({ TableName: table.table, Item }));
}

/** What $disconnect does. */
async function markAsClosing(connectionId: string, requestId = 'JZN4vF_fIAMFjTA='): Promise<void> {
  await table.client.send(
    new UpdateItemCommand({
      TableName: table.table,
      Key: keyOf(connectionId),
      UpdateExpression: 'SET closing = if_not_exists(closing, :requestId)',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':requestId': { S: requestId } },
    }),
  );
}

async function deleteRow(connectionId: string): Promise<void> {
  await table.client.send(
    new DeleteItemCommand({ TableName: table.table, Key: keyOf(connectionId) }),
  );
}

let made = 0;
function unique<N extends string>(name: N): `${N}-${number}` {
  made += 1;
  return `${name}-${made}`;
}

const rooms = defineChannel('rooms/:id', {
  access: ({ connection }) => connection.userId !== undefined,
  events: { message: event<{ from: string }>() },
  messages: ({ message }) => ({
    post: message((_data, { channel, connection }) =>
      channel.publish('message', { from: connection.userId ?? '' }).then(({ delivery }) => ({
        userId: connection.userId,
        claims: connection.claims,
        delivery,
      })),
    ),
  }),
});

/** An app on the table, whose API has an authorizer. `gone` are connections that no longer exist. */
function makeApp() {
  const gone = new Set<string>();
  const posts: string[] = [];
  const errors: unknown[] = [];
  const app = createApp({
    channels: [rooms],
    store: dynamoDbStore({
      table: table.table,
      client: table.client,
      keyPrefix: KEY_PREFIX,
      budgetMs: 60_000,
    }),
    authorizer: ({ token = '' }) => ({
      userId: token,
      claims: { team: 'red' },
      expiresAt: A_MINUTE_AGO + 3_600_000,
    }),
    gateway: {
      post: async (connectionId) => {
        posts.push(connectionId);
        if (!gone.has(connectionId)) return { result: 'delivered' };
        // Removing may take half the time that the posts took, and a busy machine needs more than usual.
        vi.setSystemTime(Date.now() + 12_000);
        return { result: 'gone' };
      },
      disconnect: async () => ({ result: 'delivered' }),
    },
    plugins: [{ name: 'ear', onError: (error) => void errors.push(error) }],
  });
  /** Opens a connection through the authorizer. Returns its context. */
  const connect = async (connectionId: string): Promise<Identity> => {
    const query = { protocol: '1', token: connectionId };
    const answer = await app.handler(makeAuthorizerEvent({ connectionId, query }));
    const { context = {} } = answer as { context?: Identity };
    await open(connectionId, context);
    return context;
  };
  const ask = async (connectionId: string, context: Identity, frame: object): Promise<unknown> => {
    const body = JSON.stringify({ id: 'f1', ...frame });
    const authorizer = { principalId: connectionId, ...context };
    const options = { connectionId, authorizer, body, connectedAt: A_MINUTE_AGO, ...API };
    const answer = (await app.handler(makeMessageEvent(options))) as { body: string };
    const { data, error } = JSON.parse(answer.body) as { data?: unknown; error?: { code: string } };
    return error ? error.code : data;
  };
  return { app, gone, posts, errors, connect, ask };
}

describe('a row that API Gateway wrote', () => {
  it('is a connection, as one that the store wrote', async () => {
    const { connections } = table;
    const [id, channel] = [unique('guest'), unique('rooms/a')];
    await open(id);
    const details = { ...API, connectedAt: A_MINUTE_AGO };
    expect(await connections.get(id)).toEqual({
      connectionId: id,
      ...details,
      expiresAt: (Math.floor(A_MINUTE_AGO / 1_000) + 8_100) * 1_000,
    });
    expect(await connections.channels(id)).toEqual([]);
    expect(await connections.subscribe(id, [channel], ample)).toEqual(['subscribed']);
    expect(await connections.subscribe(id, [channel], ample)).toEqual(['present']);
    expect((await connections.subscribers(channel)).items).toEqual([
      { connectionId: id, ...details },
    ]);
    expect(await connections.unsubscribe(id, [channel])).toEqual([true]);
    expect(await connections.disconnect(id)).toMatchObject({ record: { connectionId: id } });
    expect(await connections.get(id)).toBeUndefined();
  });

  it('gives subscribers the user and the expiry, and messages the claims of the event', async () => {
    const { connect, ask, posts, errors, app } = makeApp();
    const [ann, room] = [unique('ann'), unique('rooms/b')];
    const context = await connect(ann);
    expect(await ask(ann, context, { action: 'subscribe', channels: [room] })).toMatchObject({
      channels: [{ result: 'live' }],
    });
    expect((await table.connections.subscribers(room)).items).toEqual([
      {
        connectionId: ann,
        ...API,
        connectedAt: A_MINUTE_AGO,
        userId: ann,
        identityExpiresAt: A_MINUTE_AGO + 3_600_000,
      },
    ]);
    expect(await ask(ann, context, { action: 'rooms.post', channel: room })).toEqual({
      userId: ann,
      claims: { team: 'red' },
      delivery: { delivered: 1, gone: 0, failed: 0 },
    });
    expect(posts).toEqual([ann]);
    expect((await app.channel(room).members()).items).toEqual([{ connectionId: ann, userId: ann }]);
    expect(errors).toEqual([]);
  });

  it('is needed for subscriptions only: messages work without', async () => {
    const { connect, ask } = makeApp();
    const [ann, room] = [unique('ann'), unique('rooms/c')];
    const context = await connect(ann);
    await deleteRow(ann);
    expect(await ask(ann, context, { action: 'rooms.post', channel: room })).toMatchObject({
      userId: ann,
    });
    expect(await ask(ann, context, { action: 'subscribe', channels: [room] })).toBe(
      'ERR_CONNECTION_UNKNOWN',
    );
  });
});

describe('a connection that API Gateway marked as closing', () => {
  it('is gone, and keeps the first mark', async () => {
    const { connections } = table;
    const [id, channel, other] = [unique('guest'), unique('rooms/d'), unique('rooms/e')];
    await open(id);
    await connections.subscribe(id, [channel], ample);
    await markAsClosing(id, 'first');
    await markAsClosing(id, 'second');
    const [row] = (await table.rows()).filter(({ pk }) => pk?.S === keyOf(id).pk.S);
    expect(row?.['closing']).toEqual({ S: 'first' });
    expect(await connections.get(id)).toBeUndefined();
    expect(await connections.channels(id)).toEqual([]);
    expect(await connections.subscribe(id, [other], ample)).toEqual(['gone']);
    expect(await connections.unsubscribe(id, [channel])).toEqual([false]);
  });

  it('is not made by a mark that comes without a row', async () => {
    await expect(markAsClosing(unique('nobody'))).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
  });
});

describe('the channels of a connection that left', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Two subscribers of two rooms. The second leaves, and no function is told. */
  async function leave(end: (connectionId: string) => Promise<void>) {
    const made = makeApp();
    const [ann, bob] = [unique('ann'), unique('bob')];
    const names = [unique('rooms/f'), unique('rooms/g')] as const;
    const contexts = [await made.connect(ann), await made.connect(bob)] as const;
    for (const [index, id] of [ann, bob].entries()) {
      await made.ask(id, contexts[index] as Identity, { action: 'subscribe', channels: names });
    }
    await end(bob);
    made.gone.add(bob);
    const publish = async (channel: string): Promise<readonly string[]> => {
      made.posts.length = 0;
      await made.ask(ann, contexts[0], { action: 'rooms.post', channel });
      return [...made.posts].sort();
    };
    return { ann, bob, names, publish, errors: made.errors };
  }

  it('are cleared by the first publish that finds it gone, so that the next one posts to nobody who left', async () => {
    const { ann, bob, names, publish, errors } = await leave(markAsClosing);
    const [first, second] = names;
    expect(await publish(first)).toEqual([ann, bob]);
    expect(await publish(first)).toEqual([ann]);
    // The row names all of its channels, so one publish clears the others, too.
    expect(await publish(second)).toEqual([ann]);
    for (const name of names) {
      const { items } = await table.connections.subscribers(name);
      expect(items.map(({ connectionId }) => connectionId)).toEqual([ann]);
    }
    expect(errors).toEqual([]);
  });

  it('keep it if its row was deleted in place of the mark: each publish posts to it again', async () => {
    const { ann, bob, names, publish } = await leave(deleteRow);
    for (let count = 0; count < 3; count += 1) expect(await publish(names[0])).toEqual([ann, bob]);
    expect(await publish(names[1])).toEqual([ann, bob]);
  });
});
