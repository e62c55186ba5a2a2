// The contents of rows, and attributes that only later versions know.
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { ConnectionRecord } from '@gatecast/framework';
import { sliceKey } from '@gatecast/framework/adapter';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import {
  ample,
  connected,
  makeRecord,
  openTable,
  type TableUnderTest,
} from './table-under-test.js';

let engine: Engine;
let table: TableUnderTest;
beforeAll(async () => {
  engine = await startDynalite();
  table = await openTable(engine);
});
afterAll(async () => {
  await table[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/** Adds an attribute to a row, as a later version may. */
async function addTo(pk: string, sk: string, name: string): Promise<void> {
  await table.client.send(
    new UpdateItemCommand({
      TableName: table.table,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': { S: 'later' } },
    }),
  );
}

async function rowAt(pk: string): Promise<Record<string, unknown> | undefined> {
  const rows = await table.rows();
  return rows.find((row) => row['pk']?.S === pk);
}

let channels = 0;
function makeChannel(): string {
  channels += 1;
  return `rooms/${channels}`;
}

describe('E1 a second connect()', () => {
  it('replaces the record in all channels, including the existing ones, and adds the new ones', async () => {
    const { connections } = table;
    const [x, y] = [makeChannel(), makeChannel()];
    const { connectionId } = await connected(table, [x], { userId: 'ann', connectedAt: 1 });
    const { expiresAt, ...subscriber } = makeRecord({
      connectionId,
      connectedAt: 2,
      identityExpiresAt: 5e12,
    });
    const second = { ...subscriber, expiresAt };
    await connections.connect(second, [y]);
    expect(await connections.get(connectionId)).toEqual(second);
    expect([...(await connections.channels(connectionId))].sort()).toEqual([x, y].sort());
    for (const channel of [x, y]) {
      expect((await connections.subscribers(channel)).items).toEqual([subscriber]);
    }
  });

  it('is not limited itself, but counts towards the limits', async () => {
    const { connections } = table;
    const [x, y, z] = [makeChannel(), makeChannel(), makeChannel()];
    const first = await connected(table, [x]);
    await connections.connect(first, [x, y]);
    const maxBytes = 3 * z.length - 1;
    const one = await connections.subscribe(first.connectionId, [z], { maxChannels: 3, maxBytes });
    expect(one).toEqual(['full']);
    await connections.unsubscribe(first.connectionId, [x]);
    const two = await connections.subscribe(first.connectionId, [z], { maxChannels: 2, maxBytes });
    expect(two).toEqual(['subscribed']);
  });
});

describe('E4 the limits of a connection', () => {
  it.each([
    ['channels', { maxChannels: 5, maxBytes: 40_960 }],
    ['bytes', { maxChannels: 200, maxBytes: 50 }],
  ])('are exact when many calls race: %s', async (_what, limits) => {
    const { connections } = table;
    const { connectionId } = await connected(table);
    const names = Array.from(
      { length: 40 },
      (_, index) => `name-${String(index).padStart(5, '0')}`,
    );
    const calls = Array.from({ length: 20 }, (_, index) => names.slice(index, index + 3));
    await Promise.all(calls.map((some) => connections.subscribe(connectionId, some, limits)));
    expect(await connections.channels(connectionId)).toHaveLength(5);
    await Promise.all(calls.map((some) => connections.unsubscribe(connectionId, some)));
    expect(await connections.channels(connectionId)).toEqual([]);
    const again = await connections.subscribe(connectionId, names.slice(0, 6), limits);
    expect(again.filter((result) => result === 'subscribed')).toHaveLength(5);
  });

  it('are exact when calls race that have too many names to check one by one', async () => {
    const { connections } = table;
    const { connectionId } = await connected(table);
    const calls = Array.from({ length: 4 }, (_, call) =>
      Array.from({ length: 120 }, (_name, index) => `many-${call * 60 + index}`),
    );
    const results = await Promise.all(
      calls.map((some) => connections.subscribe(connectionId, some, ample)),
    );
    expect(await connections.channels(connectionId)).toHaveLength(200);
    expect(results.flat().filter((result) => result === 'subscribed')).toHaveLength(200);
    const left = await Promise.all(
      calls.map((some) => connections.unsubscribe(connectionId, some)),
    );
    expect(left.flat().filter(Boolean)).toHaveLength(200);
    expect(await connections.channels(connectionId)).toEqual([]);
  });
});

describe('C2 rows', () => {
  it('contain the address and the user, and so do memberships', async () => {
    const channel = makeChannel();
    const { connectionId, apiId, stage, region } = await connected(table, [channel], {
      userId: 'ann',
    });
    const details = { apiId: { S: apiId }, stage: { S: stage }, region: { S: region } };
    for (const pk of [`C#${connectionId}`, `S#${channel}#0`]) {
      expect(await rowAt(pk)).toMatchObject({ ...details, userId: { S: 'ann' } });
    }
    expect(await rowAt(`S#${channel}#0`)).toMatchObject({ sk: { S: sliceKey(connectionId) } });
  });

  it('begin with the prefix, and are separate from those of another prefix', async () => {
    const channel = makeChannel();
    await using blue = await openTable(engine, { table: table.table, keyPrefix: 'blue/' });
    vi.stubEnv('GATECAST_KEY_PREFIX', 'green/');
    await using green = await openTable(engine, { table: table.table });
    const { connectionId } = await connected(blue, [channel]);
    await connected(green, [channel], { connectionId });
    expect(await rowAt(`blue/C#${connectionId}`)).toBeDefined();
    expect(await rowAt(`blue/S#${channel}#0`)).toBeDefined();
    expect(await rowAt(`green/C#${connectionId}`)).toBeDefined();
    await green.connections.prune([connectionId]);
    expect((await green.connections.subscribers(channel)).items).toEqual([]);
    expect((await blue.connections.subscribers(channel)).items).toHaveLength(1);
    expect(await blue.connections.get(connectionId)).toBeDefined();
    vi.unstubAllEnvs();
  });
});

describe('C8 the row of a connection that was pruned', () => {
  it('stays without memberships until its disconnect, which deletes it', async () => {
    const { connections } = table;
    const channel = makeChannel();
    const record = await connected(table, [channel]);
    const { connectionId } = record;
    await connections.prune([connectionId]);
    expect(await rowAt(`C#${connectionId}`)).toMatchObject({ pruned: { S: expect.any(String) } });
    expect(await rowAt(`S#${channel}#0`)).toBeUndefined();
    expect(await connections.disconnect(connectionId)).toEqual({ record, channels: [channel] });
    expect(await rowAt(`C#${connectionId}`)).toBeUndefined();
  });
});

describe('an attribute that this version does not know', () => {
  it('stays in rows that are updated', async () => {
    const { connections } = table;
    const [x, y] = [makeChannel(), makeChannel()];
    const record = await connected(table, [x]);
    const { connectionId } = record;
    await addTo(`C#${connectionId}`, 'META', 'carrier');
    await addTo(`C#${connectionId}`, 'META', '_own');
    await addTo(`S#${x}#0`, sliceKey(connectionId), 'flags');
    await connections.connect({ ...record, connectedAt: 1 }, []);
    await connections.subscribe(connectionId, [x, y], ample);
    await connections.unsubscribe(connectionId, [y]);
    const later = { S: 'later' };
    expect(await rowAt(`C#${connectionId}`)).toMatchObject({ carrier: later, _own: later });
    expect(await rowAt(`S#${x}#0`)).toMatchObject({ flags: later, connectedAt: { N: '1' } });
  });

  it('is passed on from the record to the subscribers', async () => {
    const { connections } = table;
    const channel = makeChannel();
    const more = { carrier: { kind: 'sse', hops: [1, 'two', true, null] } };
    const record = { ...makeRecord(), ...more } as ConnectionRecord;
    await connections.connect(record, [channel]);
    expect(await connections.get(record.connectionId)).toEqual(record);
    expect((await connections.subscribers(channel)).items).toEqual([expect.objectContaining(more)]);
    await addTo(`C#${record.connectionId}`, 'META', '_own');
    expect(await connections.get(record.connectionId)).toEqual(record);
  });
});
