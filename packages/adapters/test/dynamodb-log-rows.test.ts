// The rows of the log: their keys, how long they live, and what stays in them.
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDbStoreOptions } from '@gatecast/adapters/dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import {
  bodyOf,
  keyOf,
  pageOf,
  publish,
  publishMany,
  publishOf,
  RETENTION_S,
  readAll,
  room,
  rowOf,
} from './log-under-test.js';
import { openTable, type TableUnderTest } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

const wide = { ...room, limit: 100, maxBytes: 1e6 };

/** The row of HEAD. */
const headOf = (table: TableUnderTest) => rowOf(table, 'H#rooms/42');

async function set(table: TableUnderTest, pk: string, [name, text]: [string, string]) {
  await table.client.send(
    new UpdateItemCommand({
      TableName: table.table,
      Key: { pk: { S: pk }, sk: { S: '-' } },
      UpdateExpression: 'SET #name = :text',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':text': { S: text } },
    }),
  );
}

/** Moves the end of a log, as if it had that many entries, which have expired. */
async function moveTo(table: TableUnderTest, top: number): Promise<void> {
  const head = await headOf(table);
  await table.client.send(
    new PutItemCommand({
      TableName: table.table,
      Item: {
        ...head,
        top: { N: String(top) },
        floor: { N: String(top) },
        ids: { M: {} },
      },
    }),
  );
}

describe('the rows of a log', () => {
  it.each<readonly [DynamoDbStoreOptions, string, string]>([
    [{}, '', ''],
    [{ keyPrefix: 'staging/' }, 'staging/', ''],
    [{ generation: '2' }, '', '2#'],
    [{ keyPrefix: 'staging/', generation: '2' }, 'staging/', '2#'],
  ])('have keys with the prefix and the generation: %o', async (options, prefix, generation) => {
    await using table = await openTable(engine, options);
    await publish(table, 'p');
    const keys = (await table.rows()).map(({ pk, sk }) => `${pk?.S} ${sk?.S}`).sort();
    expect(keys).toEqual([
      `${prefix}B#${generation}rooms/42#${keyOf('p')} -`,
      `${prefix}H#${generation}rooms/42 -`,
      expect.stringMatching(
        new RegExp(`^${prefix}L#${generation}rooms/42#[\\w-]{12}#0 000000000001$`),
      ),
    ]);
  });

  it.each<readonly [string, DynamoDbStoreOptions, DynamoDbStoreOptions]>([
    ['prefix', {}, { keyPrefix: 'other/' }],
    ['generation', {}, { generation: 'other' }],
    ['prefix and generation', { keyPrefix: 'prod', generation: '2' }, { keyPrefix: 'prod2' }],
  ])('belong to one %s', async (_name, one, two) => {
    await using table = await openTable(engine, one);
    await using other = await openTable(engine, { table: table.table, ...two });
    const { entry } = await publish(table, 'p1');
    const { position } = await other.log.head(room);
    expect(position).toMatchObject({ offset: 0, tag: '' });
    expect(await other.log.readAfter({ ...wide, after: entry.position })).toMatchObject({
      reset: 'epoch',
    });
    expect(await publish(other, 'p1')).toMatchObject({ isDuplicate: false });
    await other.log.purge(room);
    expect((await readAll(table)).entries).toEqual([entry]);
  });

  it('are not mixed with those of connections', async () => {
    await using table = await openTable(engine, { generation: '2' });
    await publish(table, 'p');
    expect((await table.connections.subscribers('rooms/42')).items).toEqual([]);
  });

  it('begin a new segment with every 1,000th offset', async () => {
    await using table = await openTable(engine);
    const { log } = table;
    const { position } = await log.head(room);
    await moveTo(table, 990);
    await publishMany(table, 991, 1_010);
    const { epoch } = position;
    const keys = (await table.rows()).flatMap(({ pk, sk }) =>
      pk?.S?.startsWith('L#') ? [`${pk.S} ${sk?.S}`] : [],
    );
    expect(keys).toContain(`L#rooms/42#${epoch}#0 000000000999`);
    expect(keys).toContain(`L#rooms/42#${epoch}#1 000000001000`);
    const all = await readAll(table);
    expect(all.entries.map((entry) => entry.position.offset)).toEqual(
      Array.from({ length: 20 }, (_, index) => 991 + index),
    );
    const after = { epoch, offset: 990, tag: '' };
    const page = pageOf(await log.readAfter({ ...wide, after }));
    expect(page.entries).toEqual(all.entries);
    expect(await log.readAfter({ ...wide, after: { epoch, offset: 989, tag: '' } })).toMatchObject({
      reset: 'trimmed',
    });
    // The id has left the ring: the search goes over both segments.
    expect(await publish(table, 'p991')).toMatchObject({ entry: { position: { offset: 991 } } });
    await log.purge(room);
    expect((await table.rows()).filter((row) => row['payload'])).toEqual([]);
  });

  it('are purged in an older segment even if the last one has no row yet', async () => {
    await using table = await openTable(engine);
    await table.log.head(room);
    await moveTo(table, 998);
    await publish(table, 'p999');
    await table.log.append(publishOf('p1000'));
    await table.log.purge(room);
    expect((await table.rows()).filter((row) => row['payload'])).toEqual([]);
    expect(await publish(table, 'p1000')).toMatchObject({ isDuplicate: true });
    expect((await publish(table, 'p1000')).entry).not.toHaveProperty('payload');
  });

  it.each([2_500, 72_500])(
    'are purged behind a gap up to %d, from a time when the retention was longer',
    async (top) => {
      await using table = await openTable(engine);
      await publish(table, 'old', { retentionSeconds: 90 * 86_400 });
      await moveTo(table, top);
      await publish(table, 'new');
      await table.log.purge(room);
      const payloads = (await table.rows()).flatMap(({ pk, payload }) => (payload ? [pk?.S] : []));
      expect(payloads).toEqual([]);
    },
  );

  it('live an hour longer than the entry, and HEAD 30 days or twice as long', async () => {
    const now = Date.now();
    const seconds = Math.floor(now / 1_000);
    await using table = await openTable(engine, { now: () => now });
    await publish(table, 'p');
    const ttls = async () =>
      Object.fromEntries(
        (await table.rows()).map(({ pk, ttl }) => [pk?.S?.slice(0, 2), Number(ttl?.N) - seconds]),
      );
    const short = RETENTION_S + 3_600;
    expect(await ttls()).toEqual({ 'B#': short, 'L#': short, 'H#': 30 * 86_400 });
    await publish(table, 'long', { retentionSeconds: 90 * 86_400 });
    expect(await ttls()).toMatchObject({ 'H#': 180 * 86_400 + 7_200 });
    // The life of HEAD never becomes shorter.
    await publish(table, 'short');
    expect(await ttls()).toMatchObject({ 'H#': 180 * 86_400 + 7_200 });
  });

  // docs/history.md warns of it.
  it('that expire before older ones take these out of reach', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    const first = await publish(table, 'long');
    await publish(table, 'short', { retentionSeconds: 600 });
    const last = await publish(table, 'long too');
    const read = async () => (await readAll(table)).entries.map(({ position }) => position.offset);
    now += 600_000;
    expect(await read()).toEqual([1, 2, 3]);
    now += 1_000;
    expect(await read()).toEqual([last.entry.position.offset]);
    expect(await table.log.readAfter({ ...wide, after: first.entry.position })).toMatchObject({
      reset: 'trimmed',
    });
  });

  it('of HEAD live longer for a subscriber in the second half of its life', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await table.log.head({ ...room, keep: true });
    const first = await headOf(table);
    now += 15 * 86_400_000 - 1_000;
    await table.log.head({ ...room, keep: true });
    expect(await headOf(table)).toEqual(first);
    now += 2_000;
    await table.log.head(room);
    expect(await headOf(table)).toEqual(first);
    await table.log.readBefore({ ...wide, keep: true });
    expect((await headOf(table))?.['ttl']).toEqual({
      N: String(Math.floor(now / 1_000) + 30 * 86_400),
    });
  });

  it('keep attributes that only a later version knows', async () => {
    await using table = await openTable(engine);
    await publish(table, 'p1');
    await set(table, 'H#rooms/42', ['later', 'head']);
    await table.log.append(publishOf('p2'));
    await set(table, bodyOf('p2'), ['op', 'replace']);
    await publish(table, 'p2');
    const { position } = await table.log.head(room);
    const entry = () => rowOf(table, `L#rooms/42#${position.epoch}#0`, '000000000002');
    expect(await entry()).toMatchObject({ op: { S: 'replace' } });
    await publishMany(table, 3, 24);
    await table.log.head({ ...room, keep: true });
    await table.log.purge(room);
    expect(await entry()).toMatchObject({ op: { S: 'replace' } });
    expect(await rowOf(table, bodyOf('p2'))).toMatchObject({ op: { S: 'replace' } });
    expect(await headOf(table)).toMatchObject({ later: { S: 'head' }, floor: { N: '12' } });
  });

  it('leave the ring after three times as many entries if drops have failed, at most 100 at once', async () => {
    await using table = await openTable(engine);
    const floors: (string | undefined)[] = [];
    for (const [first, last] of [
      [1, 35],
      [36, 152],
      [153, 156],
    ] as const) {
      for (let index = first; index < last; index += 1) {
        await table.log.append(publishOf(`p${index}`));
      }
      await publish(table, `p${last}`);
      floors.push((await headOf(table))?.['floor']?.N);
    }
    expect(floors).toEqual(['0', '100', '144']);
    const { ids } = (await headOf(table)) ?? {};
    expect(Object.keys(ids?.M ?? {})).toHaveLength(12);
    expect((await readAll(table)).entries).toHaveLength(156);
  });

  it('are not made by a drop from a claim that is gone or is another one', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await table.log.append(publishOf('p1'));
    now += (RETENTION_S + 1_801) * 1_000;
    await table.log.append(publishOf('p1', { payload: '"again"' }));
    await table.log.append(publishOf('p3'));
    const Key = { pk: { S: bodyOf('p3') }, sk: { S: '-' } };
    await table.client.send(new DeleteItemCommand({ TableName: table.table, Key }));
    await publishMany(table, 4, 24);
    expect(await headOf(table)).toMatchObject({ floor: { N: '12' } });
    const { epoch } = (await table.log.head(room)).position;
    const entry = (offset: number) =>
      rowOf(table, `L#rooms/42#${epoch}#0`, `${offset}`.padStart(12, '0'));
    expect(await entry(1)).toBeUndefined();
    expect(await entry(2)).toMatchObject({ payload: { S: '"again"' } });
    expect(await entry(3)).toBeUndefined();
    expect(await entry(4)).toBeDefined();
  });

  it('are not made by a purge of a log that nobody has begun', async () => {
    await using table = await openTable(engine);
    await table.log.purge(room);
    expect(await table.rows()).toEqual([]);
  });

  it('lose their content although a new log begins while they are purged', async () => {
    await using table = await openTable(engine);
    await using other = await openTable(engine, { table: table.table });
    await publish(table, 'p1');
    table.hooks.before = async (action) => {
      if (action !== 'UpdateItem') return;
      delete table.hooks.before;
      const Key = { pk: { S: 'H#rooms/42' }, sk: { S: '-' } };
      await table.client.send(new DeleteItemCommand({ TableName: table.table, Key }));
      await publish(other, 'p2');
    };
    await table.log.purge(room);
    expect((await headOf(table))?.['purged']).toEqual({ N: '1' });
    expect((await readAll(table)).entries).toEqual([]);
    expect(await rowOf(table, bodyOf('p2'))).not.toHaveProperty('payload');
  });

  it('are the same for an id that was used again while the ring still has it', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await table.log.append(publishOf('p'));
    now += (RETENTION_S + 1_801) * 1_000;
    await table.log.append(publishOf('p'));
    // Only the newer one can be read: BODY has the other nonce.
    const { entries } = await readAll(table);
    expect(entries.map(({ position }) => position.offset)).toEqual([2]);
  });
});
