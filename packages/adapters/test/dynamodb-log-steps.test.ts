// What an append does when other calls, lost answers and sleep come between its steps.
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { AppendResult } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
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
  rowOf,
} from './log-under-test.js';
import { openTable, type TableUnderTest } from './table-under-test.js';

/** Which call: the action, and the beginning of the key of its item. */
type Which = readonly [action: string, key: string];

function isCall([action, key]: Which, called: string, input: object): boolean {
  const { Item, Key } = input as { Item?: { pk: { S: string } }; Key?: { pk: { S: string } } };
  return action === called && ((Item ?? Key)?.pk.S.startsWith(key) ?? false);
}

/** Runs something once, before a call is sent. The call does not time out meanwhile. */
function onceBefore({ hooks }: TableUnderTest, which: Which, run: () => unknown): void {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  hooks.before = async (action, input) => {
    if (!isCall(which, action, input)) return;
    delete hooks.before;
    try {
      await run();
    } finally {
      vi.useRealTimers();
    }
  };
}

/** Loses the answer to one call. */
function loseAnswer({ hooks }: TableUnderTest, which: Which): void {
  hooks.after = (action, _output, input) => {
    if (!isCall(which, action, input)) return;
    delete hooks.after;
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  };
}

async function deleteRow({ client, table }: TableUnderTest, pk: string): Promise<void> {
  const Key = { pk: { S: pk }, sk: { S: '-' } };
  await client.send(new DeleteItemCommand({ TableName: table, Key }));
}

const payloadsOf = async (table: TableUnderTest): Promise<readonly string[]> =>
  (await readAll(table)).entries.map(({ payload }) => payload);

describe.each(engines)('an append on $name', ({ start }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  it.each([
    ['the claim', ['PutItem', 'B#'], true],
    ['the append', ['UpdateItem', 'H#'], false],
    ['a new HEAD', ['PutItem', 'H#'], true],
  ] as const)('is new when the answer to %s is lost', async (_name, which, hasFinish) => {
    await using table = await openTable(engine);
    if (which[0] === 'UpdateItem') await publish(table, 'p1');
    loseAnswer(table, which);
    const result = await table.log.append(publishOf('p'));
    expect(result).toMatchObject({ result: 'appended', isDuplicate: false });
    expect('finish' in result).toBe(hasFinish);
    expect((await payloadsOf(table)).filter((payload) => payload === '{"id":"p"}')).toHaveLength(1);
  });

  it('takes an entry as new that another attempt has appended to its claim', async () => {
    await using table = await openTable(engine);
    await using other = await openTable(engine, { table: table.table });
    await publish(table, 'p1');
    onceBefore(table, ['UpdateItem', 'H#'], async () => {
      expect(await publish(other, 'p')).toMatchObject({ isDuplicate: false });
    });
    const { isDuplicate, entry, finish } = await publish(table, 'p');
    // Only BODY would show it; to read it would cost every retry a call, and clients drop the second push.
    expect({ isDuplicate, offset: entry.position.offset, finish }).toEqual({
      isDuplicate: false,
      offset: 2,
      finish: undefined,
    });
    expect(await payloadsOf(table)).toEqual(['{"id":"p1"}', '{"id":"p"}']);
  });

  it('finishes what another publisher has only claimed, with its content', async () => {
    await using table = await openTable(engine);
    await using dead = await openTable(engine, { table: table.table });
    await publish(table, 'p1');
    onceBefore(dead, ['UpdateItem', 'H#'], () => {
      dead.hooks.before = () => {
        throw new Error('killed');
      };
      throw new Error('killed');
    });
    await expect(dead.log.append(publishOf('p'))).rejects.toThrow('refused to append an event');
    await publishMany(table, 2, 30);
    const before = await rowOf(table, bodyOf('p'));
    const calls = await callsOf(table, async () => {
      const other = { payload: '"other"', onOtherHash: 'keep-first' } as const;
      const result = await publish(table, 'p', other);
      expect(result).toMatchObject({ isDuplicate: false, entry: { payload: '{"id":"p"}' } });
    });
    const raise = calls.find(([action, { Key }]) => {
      return action === 'UpdateItem' && (Key as { pk: { S: string } }).pk.S === bodyOf('p');
    });
    expect(raise).toEqual([
      'UpdateItem',
      {
        Key: { pk: { S: bodyOf('p') }, sk: { S: '-' } },
        UpdateExpression: 'SET #epoch = :epoch, #after = :after, #attempt = :attempt, #ttl = :ttl',
        ConditionExpression: '#attempt = :seen',
        ExpressionAttributeNames: {
          '#epoch': 'epoch',
          '#after': 'after',
          '#attempt': 'attempt',
          '#ttl': 'ttl',
        },
        ExpressionAttributeValues: {
          ':epoch': before?.['epoch'],
          ':after': { N: '30' },
          ':attempt': { S: expect.not.stringMatching(before?.['attempt']?.S ?? '') as string },
          ':ttl': { N: expect.any(String) as string },
          ':seen': before?.['attempt'],
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    ]);
    // HEAD takes it at once, because the claim says that the log did not have it up to there.
    const appends = calls.filter(([action, input]) => isCall(['UpdateItem', 'H#'], action, input));
    expect(appends).toHaveLength(1);
    // Under a nonce of its own it could append the entry a second time.
    expect((await rowOf(table, bodyOf('p')))?.['nonce']).toEqual(before?.['nonce']);
    expect((await payloadsOf(table)).slice(29)).toEqual(['{"id":"p30"}', '{"id":"p"}']);
  });

  it('raises a claim again that another publisher has raised meanwhile', async () => {
    await using table = await openTable(engine);
    await using other = await openTable(engine, { table: table.table });
    await publish(table, 'p1');
    onceBefore(table, ['PutItem', 'B#'], async () => {
      onceBefore(other, ['UpdateItem', 'H#'], () => {
        throw new Error('killed');
      });
      await expect(other.log.append(publishOf('p'))).rejects.toThrow('killed');
      onceBefore(table, ['UpdateItem', 'B#'], async () => {
        loseAnswer(table, ['UpdateItem', 'B#']);
        onceBefore(other, ['UpdateItem', 'H#'], () => {
          throw new Error('killed');
        });
        await expect(other.log.append(publishOf('p'))).rejects.toThrow('killed');
      });
    });
    expect(await publish(table, 'p')).toMatchObject({ isDuplicate: false });
    expect(await payloadsOf(table)).toEqual(['{"id":"p1"}', '{"id":"p"}']);
  });

  it('refuses other content under an id that the caller gave', async () => {
    await using table = await openTable(engine);
    await publish(table, 'p');
    const result = await table.log.append(publishOf('p', { payload: '"other"' }));
    expect(result).toEqual({ result: 'reused' });
    const kept = await publish(table, 'p', { payload: '"other"', onOtherHash: 'keep-first' });
    expect(kept).toMatchObject({ isDuplicate: true, entry: { payload: '{"id":"p"}' } });
    expect(await payloadsOf(table)).toEqual(['{"id":"p"}']);
  });

  it.each([
    [0, 0],
    [12, 0],
    [63, 0],
    [64, 0],
    [65, 1],
    [80, 1],
  ])(
    'is made once when %i others come between claim and append, which then raises its claim %i times',
    async (others, raises) => {
      await using table = await openTable(engine);
      await using other = await openTable(engine, { table: table.table });
      await publish(table, 'p1');
      let raised = 0;
      table.hooks.after = (action, _output, input) => {
        if (isCall(['UpdateItem', 'B#'], action, input)) raised += 1;
      };
      onceBefore(table, ['UpdateItem', 'H#'], () => publishMany(other, 2, others + 1));
      const { entry, isDuplicate } = await publish(table, 'p');
      expect(raised).toBe(raises);
      expect({ offset: entry.position.offset, isDuplicate }).toEqual({
        offset: others + 2,
        isDuplicate: false,
      });
      expect(await publish(other, 'p')).toMatchObject({
        isDuplicate: true,
        entry: { position: entry.position },
      });
      // Also when it has left the ring: the claim says where to look for it.
      await publishMany(other, others + 2, others + 25);
      expect(await publish(other, 'p')).toMatchObject({
        isDuplicate: true,
        entry: { position: entry.position },
      });
      expect((await readAll(table)).entries).toHaveLength(others + 26);
    },
  );

  it.each([0, 12, 40, 64, 65, 80])(
    'is found when its answer is lost and %i others follow',
    async (others) => {
      await using table = await openTable(engine);
      await using other = await openTable(engine, { table: table.table });
      await publish(table, 'p1');
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      table.hooks.after = async (action, _output, input) => {
        if (!isCall(['UpdateItem', 'H#'], action, input)) return;
        delete table.hooks.after;
        await publishMany(other, 3, others + 2);
        vi.useRealTimers();
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      };
      const { entry, isDuplicate } = await publish(table, 'p');
      expect({ offset: entry.position.offset, isDuplicate }).toEqual({
        offset: 2,
        isDuplicate: false,
      });
      expect((await readAll(table)).entries).toHaveLength(others + 2);
    },
  );

  it.each([
    ['before the append', 'appended'],
    ['in the append', 'unknown'],
  ] as const)('that slept %s gives the result "%s"', async (when, expected) => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await publish(table, 'p1');
    const sleep = () => {
      now += 60_001;
    };
    let isAfterwards = false;
    if (when === 'in the append') onceBefore(table, ['UpdateItem', 'H#'], sleep);
    else {
      table.hooks.after = () => {
        if (!isAfterwards) sleep();
        isAfterwards = true;
      };
    }
    let result: AppendResult | undefined;
    const calls = await (async () => {
      table.calls.length = 0;
      result = await table.log.append(publishOf('p'));
      return table.calls.join();
    })();
    expect(result?.result).toBe(expected);
    expect(calls).toBe(
      expected === 'unknown'
        ? 'PutItem,UpdateItem,PutItem'
        : 'PutItem,GetItem,GetItem,UpdateItem,UpdateItem',
    );
    delete table.hooks.after;
    // Another try tells where the entry is; it was not made twice.
    expect(await publish(table, 'p')).toMatchObject({
      isDuplicate: true,
      entry: { position: { offset: 2 } },
    });
  });

  it.each([
    [60_000, 'appended'],
    [60_001, 'unknown'],
  ] as const)('that took %i ms gives the result "%s"', async (ms, expected) => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    onceBefore(table, ['UpdateItem', 'H#'], () => {
      now += ms;
    });
    expect(await table.log.append(publishOf('p'))).toMatchObject({ result: expected });
  });

  it('that finds its entry but slept then is unknown, too', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await publish(table, 'p');
    onceBefore(table, ['PutItem', 'L#'], () => {
      now += 60_001;
    });
    expect(await table.log.append(publishOf('p'))).toEqual({ result: 'unknown' });
  });

  it('of an id that is known lengthens a HEAD that would end before its entry', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    const long = { retentionSeconds: 15 * 86_400 };
    await publish(table, 'p1', long);
    now += 14 * 86_400_000;
    const head = await rowOf(table, 'H#rooms/42');
    // As an old version with a shorter life of HEAD would leave it.
    const ttl = { N: String(Math.floor(now / 1_000) + 86_400) };
    await table.client.send(new PutItemCommand({ TableName: table.table, Item: { ...head, ttl } }));
    expect(await publish(table, 'p1', long)).toMatchObject({ isDuplicate: true });
    const lengthened = await rowOf(table, 'H#rooms/42');
    expect(Number(lengthened?.['ttl']?.N)).toBe(Math.floor(now / 1_000) + 2 * 15 * 86_400 + 7_200);
  });

  it.each([
    ['another call has done so', 'the same'],
    ['a new log has begun', 'new'],
  ])('of an id that is known does not lengthen HEAD if %s', async (_what, log) => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    const { entry } = await publish(table, 'p1');
    now += 40 * 60_000;
    const head = await rowOf(table, 'H#rooms/42');
    const seconds = Math.floor(now / 1_000);
    const put = (more: object) =>
      table.client.send(new PutItemCommand({ TableName: table.table, Item: { ...head, ...more } }));
    await put({ ttl: { N: String(seconds + 60) } });
    const far = { N: String(seconds + 90 * 86_400) };
    const begun = { epoch: { S: 'x'.repeat(12) }, top: { N: '0' }, ids: { M: {} }, ttl: far };
    onceBefore(table, ['UpdateItem', 'H#'], () => put(log === 'new' ? begun : { ttl: far }));
    const result = await publish(table, 'p1');
    expect(result).toMatchObject({
      isDuplicate: log !== 'new',
      entry: { position: log === 'new' ? { epoch: begun.epoch.S, offset: 1 } : entry.position },
    });
    expect((await rowOf(table, 'H#rooms/42'))?.['ttl']).toEqual(far);
  });

  it('does not shorten the life of HEAD', async () => {
    const now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await using ahead = await openTable(engine, { table: table.table, now: () => now + 900_000 });
    await publish(ahead, 'p1');
    const ttl = (await rowOf(table, 'H#rooms/42'))?.['ttl'];
    await publish(table, 'p2');
    expect((await rowOf(table, 'H#rooms/42'))?.['ttl']).toEqual(ttl);
  });

  it.each(['is gone', 'belongs to a new log'])('begins anew if HEAD %s meanwhile', async (what) => {
    await using table = await openTable(engine);
    await using other = await openTable(engine, { table: table.table });
    const old = await publish(table, 'p1');
    onceBefore(table, ['UpdateItem', 'H#'], async () => {
      await deleteRow(table, 'H#rooms/42');
      if (what !== 'is gone') await publish(other, 'p2');
    });
    const { entry, isDuplicate } = await publish(table, 'p');
    expect({ offset: entry.position.offset, isDuplicate }).toEqual({
      offset: what === 'is gone' ? 1 : 2,
      isDuplicate: false,
    });
    expect(entry.position.epoch).not.toBe(old.entry.position.epoch);
    expect((await payloadsOf(table)).at(-1)).toBe('{"id":"p"}');
  });

  it('begins anew if its claim is gone meanwhile', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await publish(table, 'p1');
    table.hooks.after = async (action, _output, input) => {
      if (!isCall(['PutItem', 'B#'], action, input)) return;
      delete table.hooks.after;
      await deleteRow(table, bodyOf('p'));
      // It looks at its claim again, because it slept.
      now += 60_001;
    };
    expect(await publish(table, 'p')).toMatchObject({
      isDuplicate: false,
      entry: { position: { offset: 2 } },
    });
    expect(await rowOf(table, bodyOf('p'))).toMatchObject({ after: { N: '1' } });
    expect(await payloadsOf(table)).toEqual(['{"id":"p1"}', '{"id":"p"}']);
  });

  it('begins anew with a claim that dies while it looks for the entry', async () => {
    let now = Math.floor(Date.now() / 1_000) * 1_000;
    await using table = await openTable(engine, { now: () => now });
    await publish(table, 'p');
    now += (RETENTION_S + 1_800) * 1_000;
    // DynamoDB does not take it for dead, the publisher does when it has looked.
    onceBefore(table, ['PutItem', 'B#'], () => {
      now += 1_000;
    });
    expect(await publish(table, 'p', { payload: '"other"' })).toMatchObject({
      isDuplicate: false,
      entry: { position: { offset: 2 }, payload: '"other"' },
    });
  });

  it('of an id whose content was purged has none', async () => {
    await using table = await openTable(engine);
    await publish(table, 'p');
    await table.log.purge(room);
    const { isDuplicate, entry } = await publish(table, 'p');
    expect(isDuplicate).toBe(true);
    expect(entry).not.toHaveProperty('payload');
  });

  it('begins anew with a claim that is dead, and a new nonce', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    await publish(table, 'p');
    const before = await rowOf(table, bodyOf('p'));
    now += (RETENTION_S + 1_800 + 1) * 1_000;
    const { entry, isDuplicate } = await publish(table, 'p', { payload: '"other"' });
    expect({ isDuplicate, offset: entry.position.offset }).toEqual({
      isDuplicate: false,
      offset: 2,
    });
    expect((await rowOf(table, bodyOf('p')))?.['nonce']).not.toEqual(before?.['nonce']);
    const { ids } = (await rowOf(table, 'H#rooms/42')) ?? {};
    expect(Object.values(ids?.M ?? {})).toEqual(expect.arrayContaining([{ N: '1' }, { N: '2' }]));
  });

  it('is acknowledged before the put of the entry, and readers find it', async () => {
    await using table = await openTable(engine);
    const result = await table.log.append(publishOf('p'));
    expect(result).toMatchObject({ result: 'appended', isDuplicate: false });
    expect(await payloadsOf(table)).toEqual(['{"id":"p"}']);
    const tag = keyOf('p').slice(0, 6);
    expect(await table.log.head(room)).toMatchObject({ position: { offset: 1, tag } });
  });
});
