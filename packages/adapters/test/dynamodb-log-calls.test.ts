// The calls of the log, their order, conditions and the consistency of their reads: each of them matters.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import {
  bodyOf,
  callsOf,
  engines,
  keyOf,
  publish,
  publishMany,
  publishOf,
  RETENTION_S,
  readAll,
  room,
} from './log-under-test.js';
import { openTable } from './table-under-test.js';

// DynamoDB Local deletes expired rows by the real clock.
const SECONDS = Math.floor(Date.now() / 1_000);
const NOW = SECONDS * 1_000 + 123;
const ROW_TTL = { N: String(SECONDS + RETENTION_S + 3_600) };
const HEAD_TTL = SECONDS + 30 * 86_400;
const now = () => NOW;

const HEAD = { pk: { S: 'H#rooms/42' }, sk: { S: '-' } };
const BODY = { pk: { S: bodyOf('p') }, sk: { S: '-' } };
const text = (length: number) => ({ S: expect.stringMatching(`^[\\w-]{${length}}$`) as string });
const ringKey = { S: expect.stringMatching(`^${keyOf('p')}[\\w-]{2}$`) as string };
const payload = { S: '{"id":"p"}' };

const readHead = ['GetItem', { Key: HEAD, ConsistentRead: true }] as const;
const readBody = ['GetItem', { Key: BODY, ConsistentRead: true }] as const;

const claim = (after: number) =>
  [
    'PutItem',
    {
      Item: {
        ...BODY,
        nonce: text(2),
        attempt: text(8),
        hash: { S: publishOf('p').hash },
        payload,
        at: { N: String(NOW) },
        epoch: text(12),
        after: { N: String(after) },
        ttl: ROW_TTL,
      },
      ConditionExpression: 'attribute_not_exists(pk) OR #ttl < :dead',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':dead': { N: String(SECONDS + 1_800) } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  ] as const;

const append = (k: number, after = k) =>
  [
    'UpdateItem',
    {
      Key: HEAD,
      UpdateExpression: 'SET #ids.#k = #top + :one, #top = #top + :one, #ttl = :ttl',
      ConditionExpression:
        '#epoch = :epoch AND #floor <= :k AND #top <= :afterPlusC AND attribute_not_exists(#ids.#k) AND #ttl <= :ttlPlus1h',
      ExpressionAttributeNames: {
        '#ids': 'ids',
        '#top': 'top',
        '#ttl': 'ttl',
        '#epoch': 'epoch',
        '#floor': 'floor',
        '#k': ringKey.S,
      },
      ExpressionAttributeValues: {
        ':one': { N: '1' },
        ':ttl': { N: String(HEAD_TTL) },
        ':epoch': text(12),
        ':k': { N: String(k) },
        ':afterPlusC': { N: String(after + 64) },
        ':ttlPlus1h': { N: String(HEAD_TTL + 3_600) },
      },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  ] as const;

const entry = (offset: number) =>
  [
    'PutItem',
    {
      Item: {
        pk: { S: expect.stringMatching(/^L#rooms\/42#[\w-]{12}#0$/) as string },
        sk: { S: String(offset).padStart(12, '0') },
        ringKey,
        payload,
        at: { N: String(NOW) },
        ttl: ROW_TTL,
      },
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  ] as const;

const ids = (after: number, to: number) =>
  [
    'Query',
    {
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :start AND :end',
      ProjectionExpression: 'sk, #ringKey',
      ExpressionAttributeNames: { '#ringKey': 'ringKey' },
      ExpressionAttributeValues: {
        ':pk': { S: expect.stringMatching(/^L#rooms\/42#[\w-]{12}#0$/) as string },
        ':start': { S: String(after + 1).padStart(12, '0') },
        ':end': { S: String(to).padStart(12, '0') },
      },
    },
  ] as const;

describe.each(engines)('the calls of the log on $name', ({ start, returnsOld }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());
  /** What an engine that does not return the old item is asked for. */
  const unlessOld = <T>(...calls: readonly T[]): readonly T[] => (returnsOld ? [] : calls);

  it('begins a log with an empty HEAD, and reads it again', async () => {
    await using table = await openTable(engine, { now });
    const calls = await callsOf(table, () => publish(table, 'p'));
    expect(calls).toEqual([
      readHead,
      [
        'PutItem',
        {
          Item: {
            ...HEAD,
            epoch: text(12),
            top: { N: '0' },
            floor: { N: '0' },
            ids: { M: {} },
            ttl: { N: String(HEAD_TTL) },
          },
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      ],
      readHead,
      claim(0),
      append(0),
      entry(1),
    ]);
  });

  it('claims, appends and puts an entry without a read', async () => {
    await using table = await openTable(engine, { now });
    await publishMany(table, 1, 2);
    const calls = await callsOf(table, () => publish(table, 'p'));
    expect(calls).toEqual([claim(2), append(2), entry(3)]);
  });

  it('reads HEAD first in a new environment', async () => {
    await using table = await openTable(engine, { now });
    await publishMany(table, 1, 2);
    await using cold = await openTable(engine, { now, table: table.table });
    const calls = await callsOf(cold, () => publish(cold, 'p'));
    expect(calls).toEqual([readHead, claim(2), append(2), entry(3)]);
  });

  it('reads HEAD first in another channel', async () => {
    await using table = await openTable(engine, { now });
    await publish(table, 'p1');
    await table.log.head({ ...room, channel: 'rooms/43' });
    await publish(table, 'p2');
    const others = { ...room, channel: 'rooms/44' };
    const calls = await callsOf(table, () => publish(table, 'p', others));
    expect(calls.slice(0, 2)).toMatchObject([
      ['GetItem', { Key: { pk: { S: 'H#rooms/44' } } }],
      ['PutItem', { Item: { pk: { S: 'H#rooms/44' } } }],
    ]);
  });

  it('finds an id that was sent again in the ring', async () => {
    await using table = await openTable(engine, { now });
    await publish(table, 'p');
    const calls = await callsOf(table, async () => {
      expect(await publish(table, 'p')).toMatchObject({
        isDuplicate: true,
        entry: { position: { offset: 1 }, payload: payload.S },
      });
    });
    expect(calls).toEqual([claim(1), ...unlessOld(readBody), readHead, entry(1)]);
  });

  it('finds an id that has left the ring in LOG', async () => {
    await using table = await openTable(engine, { now });
    await publish(table, 'p');
    await publishMany(table, 2, 24);
    const calls = await callsOf(table, () => publish(table, 'p'));
    expect(calls).toEqual([claim(24), ...unlessOld(readBody), readHead, ids(0, 12), entry(1)]);
  });

  it('drops what LOG has from the ring with every 12th entry but the first', async () => {
    await using table = await openTable(engine, { now });
    await publishMany(table, 1, 23);
    const result = await publish(table, 'p', { audience: 7 });
    expect(result.entry.position.offset).toBe(24);
    await publishMany(table, 25, 35);
    const calls = await callsOf(table, () => publish(table, 'p36', { audience: 8 }));
    const [, , , , drop] = calls;
    expect(calls.map(([action]) => action).join()).toBe(
      'PutItem,UpdateItem,PutItem,Query,UpdateItem',
    );
    expect(calls[3]).toEqual(ids(12, 24));
    const names = drop?.[1]['ExpressionAttributeNames'] as Record<string, string>;
    expect(drop).toEqual([
      'UpdateItem',
      {
        Key: HEAD,
        UpdateExpression: `SET #floor = :to, #audience = :estimate REMOVE ${Array.from({ length: 12 }, (_, index) => `#ids.#${index}`).join(', ')}`,
        ConditionExpression: '#epoch = :epoch AND #floor = :seen',
        ExpressionAttributeNames: {
          '#epoch': 'epoch',
          '#floor': 'floor',
          '#ids': 'ids',
          '#audience': 'audience',
          ...Object.fromEntries(
            Array.from({ length: 12 }, (_, index) => [`#${index}`, expect.any(String) as string]),
          ),
        },
        ExpressionAttributeValues: {
          ':epoch': text(12),
          ':to': { N: '24' },
          ':seen': { N: '12' },
          ':estimate': { N: '8' },
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    ]);
    expect(names['#0']).toMatch(new RegExp(`^${keyOf('p13')}`));
    expect(names['#11']?.slice(0, 16)).toBe(keyOf('p'));
    expect((await readAll(table)).head.audience).toBe(8);
  });

  it('drops with every 4th entry if the last drops failed, not with each', async () => {
    await using table = await openTable(engine, { now });
    for (let offset = 1; offset <= 36; offset += 1) {
      await table.log.append(publishOf(`p${offset}`));
    }
    const drops: number[] = [];
    for (let offset = 37; offset <= 41; offset += 1) {
      const calls = await callsOf(table, () => publish(table, `p${offset}`));
      drops.push(calls.filter(([action]) => action === 'Query').length);
    }
    expect(drops).toEqual([0, 0, 0, 1, 0]);
    expect((await readAll(table)).entries).toHaveLength(41);
  });

  it('puts entries of publishers that have died before it drops them', async () => {
    await using table = await openTable(engine, { now });
    await table.log.append(publishOf('p'));
    await publishMany(table, 2, 23);
    const calls = await callsOf(table, () => publish(table, 'p24'));
    expect(calls.slice(3, 6)).toEqual([ids(0, 12), readBody, entry(1)]);
    expect((await readAll(table)).entries).toHaveLength(24);
  });

  it('purges HEAD first, then BODY and LOG of each entry, and keeps their keys', async () => {
    await using table = await openTable(engine, { now });
    await publish(table, 'p');
    const calls = await callsOf(table, () => table.log.purge(room));
    expect(calls).toEqual([
      readHead,
      [
        'UpdateItem',
        {
          Key: HEAD,
          UpdateExpression: 'SET #purged = #top',
          ConditionExpression: '#epoch = :epoch',
          ExpressionAttributeNames: { '#purged': 'purged', '#top': 'top', '#epoch': 'epoch' },
          ExpressionAttributeValues: { ':epoch': text(12) },
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      ],
      ids(-1, 1),
      [
        'UpdateItem',
        {
          Key: BODY,
          UpdateExpression: 'REMOVE #payload',
          ConditionExpression: '#nonce = :nonce',
          ExpressionAttributeNames: { '#payload': 'payload', '#nonce': 'nonce' },
          ExpressionAttributeValues: { ':nonce': text(2) },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      ],
      [
        'UpdateItem',
        {
          Key: { pk: entry(1)[1].Item.pk, sk: { S: '000000000001' } },
          UpdateExpression:
            'SET #ringKey = :ringKey, #ttl = if_not_exists(#ttl, :ttl) REMOVE #payload',
          ExpressionAttributeNames: { '#ringKey': 'ringKey', '#ttl': 'ttl', '#payload': 'payload' },
          ExpressionAttributeValues: { ':ringKey': ringKey, ':ttl': ROW_TTL },
        },
      ],
    ]);
  });

  it('reads HEAD before LOG, and BODY of what LOG does not have', async () => {
    await using table = await openTable(engine, { now });
    const { entry: first } = await publish(table, 'p1');
    await table.log.append(publishOf('p'));
    const calls = await callsOf(table, async () => {
      const { entries } = await readAll(table);
      expect(entries.map(({ payload: found }) => found)).toEqual([first.payload, payload.S]);
    });
    const [, query, batch] = calls;
    expect(calls[0]).toEqual(readHead);
    expect(query).toMatchObject(['Query', { ConsistentRead: true, ScanIndexForward: false }]);
    expect(batch).toEqual([
      'BatchGetItem',
      { RequestItems: { [table.table]: { Keys: [BODY], ConsistentRead: true } } },
    ]);
    expect(calls).toHaveLength(3);
  });
});
