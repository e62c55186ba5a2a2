// The calls of one operation, on a port that is scripted: no engine leaves items unprocessed, or is silent to
// the millisecond.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { TimeLimit } from '@gatecast/framework/adapter';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallLimit, DynamoDbPort } from '../src/dynamodb/port.js';
import { Table } from '../src/dynamodb/table.js';

const START = 1_000_000;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  // The longest pauses that can be.
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

interface Call extends CallLimit {
  readonly action: string;
  readonly input: object;
  /** Milliseconds since the start. */
  readonly atMs: number;
}

/** Answers the first, second, third … call. The last answer is that to all further calls. */
function tableThat(answers: readonly ((input: never) => unknown)[], limit: TimeLimit = {}) {
  const calls: Call[] = [];
  const port: DynamoDbPort = {
    async call(action, input, { signal, endsAt }) {
      calls.push({ action, input, signal, endsAt, atMs: Date.now() - START });
      const answer = answers[Math.min(calls.length, answers.length) - 1];
      return (await answer?.(input as never)) as object;
    },
  };
  const place = { table: 'chat', region: 'eu-west-1', operation: 'do it' };
  return { calls, table: new Table({ port, limit, ...place }) };
}

const empty = () => ({});
const silence = () => new Promise<never>(() => {});
const failing = (fields: object) => () => {
  throw Object.assign(new Error('No.'), fields);
};
const throttled = failing({ name: 'ThrottlingException' });
const refused = failing({ code: 'ECONNREFUSED' });
const forbidden = failing({ name: 'AccessDeniedException' });
const unmet = failing({ name: 'ConditionalCheckFailedException', Item: { n: { N: '7' } } });

const keyOf = (index: number): Record<string, AttributeValue> => ({ pk: { S: `${index}` } });
const keys = (count: number) => Array.from({ length: count }, (_, index) => keyOf(index));
const deletesOf = (count: number) => keys(count).map((Key) => ({ DeleteRequest: { Key } }));
const key = keyOf(0);

/** What became of a promise, and after how many milliseconds. */
function watch(promise: Promise<unknown>) {
  const seen: { error?: Error; value?: unknown; afterMs?: number } = {};
  void promise.then(
    (value: unknown) => Object.assign(seen, { value, afterMs: Date.now() - START }),
    (error: unknown) => Object.assign(seen, { error, afterMs: Date.now() - START }),
  );
  return seen;
}

describe('the calls of an operation', () => {
  it('read with strong consistency', async () => {
    const item = { ...key, n: { N: '1' } };
    const TableName = 'chat';
    const got = tableThat([() => ({ Item: item })]);
    expect(await got.table.get(key)).toBe(item);
    expect(got.calls).toMatchObject([
      { action: 'GetItem', input: { TableName, Key: key, ConsistentRead: true } },
    ]);
    const found = tableThat([() => ({ Items: [item], LastEvaluatedKey: key }), empty]);
    expect(await found.table.query({ Limit: 1 })).toEqual({ items: [item], lastKey: key });
    expect(await found.table.query({ Limit: 1 })).toEqual({ items: [], lastKey: undefined });
    expect(found.calls[0]).toMatchObject({
      action: 'Query',
      input: { TableName, ConsistentRead: true, Limit: 1 },
    });
  });

  it('put at most 25 writes or 100 keys into a batch', async () => {
    const written = tableThat([empty]);
    await written.table.write(deletesOf(26));
    expect(written.calls.map(({ action, input }) => [action, input])).toEqual([
      ['BatchWriteItem', { RequestItems: { chat: deletesOf(26).slice(0, 25) } }],
      ['BatchWriteItem', { RequestItems: { chat: deletesOf(26).slice(25) } }],
    ]);
    const read = tableThat([
      ({ RequestItems }: { RequestItems: { chat: { Keys: object[] } } }) => ({
        Responses: { chat: RequestItems.chat.Keys },
      }),
    ]);
    expect(await read.table.getAll(keys(101))).toEqual(keys(101));
    expect(read.calls.map(({ action, input }) => [action, input])).toEqual([
      ['BatchGetItem', { RequestItems: { chat: { Keys: keys(100), ConsistentRead: true } } }],
      [
        'BatchGetItem',
        { RequestItems: { chat: { Keys: keys(101).slice(100), ConsistentRead: true } } },
      ],
    ]);
  });

  it('are at most 50 at once', async () => {
    const { calls, table } = tableThat([silence]);
    void table.forEach(keys(60), (one) => table.get(one));
    void table.write(deletesOf(60 * 25));
    void table.getAll(keys(60 * 100));
    await vi.advanceTimersByTimeAsync(0);
    const countOf = (name: string) => calls.filter(({ action }) => action === name).length;
    expect(['GetItem', 'BatchWriteItem', 'BatchGetItem'].map(countOf)).toEqual([50, 50, 50]);
  });

  it('answer a condition that is not met with the old item', async () => {
    const { calls, table } = tableThat([unmet, unmet, unmet, empty, empty, empty]);
    const old = { n: { N: '7' } };
    const has = ['token', { S: 't' }] as const;
    expect(await table.put({ Item: key })).toEqual({ isDone: false, attributes: {}, old });
    expect(await table.update({ Key: key })).toEqual({ isDone: false, attributes: {}, old });
    expect(await table.deleteIf(key, { has })).toBe(false);
    expect(await table.put({ Item: key })).toEqual({ isDone: true, attributes: {} });
    expect(await table.update({ Key: key })).toEqual({ isDone: true, attributes: {} });
    expect(await table.deleteIf(key, { has, lacks: 'ttl' })).toBe(true);
    const condition = (ConditionExpression: string, ExpressionAttributeNames: object) => ({
      TableName: 'chat',
      Key: key,
      ConditionExpression,
      ExpressionAttributeNames,
      ExpressionAttributeValues: { ':value': { S: 't' } },
    });
    expect(calls.map(({ action, input }) => [action, input])).toStrictEqual([
      ['PutItem', { TableName: 'chat', Item: key }],
      ['UpdateItem', { TableName: 'chat', Key: key }],
      ['DeleteItem', condition('#has = :value', { '#has': 'token' })],
      ['PutItem', { TableName: 'chat', Item: key }],
      ['UpdateItem', { TableName: 'chat', Key: key }],
      [
        'DeleteItem',
        condition('#has = :value AND attribute_not_exists(#lacks)', {
          '#has': 'token',
          '#lacks': 'ttl',
        }),
      ],
    ]);
  });

  it('may be as many as one likes with one signal, without a warning', async () => {
    const warned = vi.fn<(warning: Error) => void>();
    process.on('warning', warned);
    const { calls, table } = tableThat([silence], { signal: new AbortController().signal });
    void table.forEach(keys(50), (one) => table.get(one));
    await vi.advanceTimersByTimeAsync(0);
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    process.off('warning', warned);
    expect(calls).toHaveLength(50);
    expect(warned).not.toHaveBeenCalled();
  });
});

const left = {
  UnprocessedItems: { chat: deletesOf(1) },
  UnprocessedKeys: { chat: { Keys: [key] } },
};

describe.each<[string, string, () => unknown, (table: Table) => Promise<unknown>]>([
  ['a call that is throttled', 'throttles', throttled, (table) => table.get(key)],
  [
    'a write of items that are left',
    'unprocessed',
    () => left,
    (table) => table.write(deletesOf(1)),
  ],
  ['a read of items that are left', 'unprocessed', () => left, (table) => table.getAll([key])],
])('%s', (_what, reason, answer, run) => {
  it('is tried again after pauses of up to 25 ms, 50 ms … 1 s', async () => {
    const { calls, table } = tableThat([answer]);
    void run(table);
    await vi.advanceTimersByTimeAsync(4_000);
    const times = [0, 25, 75, 175, 375, 775, 1_575, 2_575, 3_575];
    expect(calls.map(({ atMs }) => atMs)).toEqual(times);
  });

  it('fails at once if the next try could only begin when the time is over', async () => {
    const { calls, table } = tableThat([answer], { endsAt: START + 175 });
    const seen = watch(run(table));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 25, 75]);
    expect(seen).toMatchObject({
      afterMs: 75,
      error: { code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining(reason) as string },
    });
  });

  it('says why, if the pause has ended too late', async () => {
    const { calls, table } = tableThat([answer], { endsAt: START + 500 });
    const seen = watch(run(table));
    await vi.advanceTimersByTimeAsync(0);
    // The process slept.
    vi.setSystemTime(START + 475);
    await vi.advanceTimersByTimeAsync(25);
    expect(calls).toHaveLength(1);
    expect(seen.error?.message).toContain(reason);
  });
});

describe('a call without an answer', () => {
  it('is given up after 3 s, and made again', async () => {
    const { calls, table } = tableThat([silence, empty]);
    const seen = watch(table.get(key));
    await vi.advanceTimersByTimeAsync(2_999);
    expect(calls[0]).toMatchObject({ endsAt: START + 3_000, signal: { aborted: false } });
    await vi.advanceTimersByTimeAsync(1);
    expect(calls[0]?.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(25);
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 3_025]);
    expect(seen).toEqual({ value: undefined, afterMs: 3_025 });
  });

  it('is given up at the time limit', async () => {
    const { calls, table } = tableThat([silence], { endsAt: START + 100 });
    const seen = watch(table.get(key));
    await vi.advanceTimersByTimeAsync(100);
    expect(calls[0]).toMatchObject({ endsAt: START + 100, signal: { aborted: true } });
    expect(seen).toMatchObject({
      afterMs: 100,
      error: { message: expect.stringContaining('no answer in time') as string },
    });
  });

  it.each([{}, { code: 'ECONNRESET' }])(
    'ends when the signal is aborted, with its reason, and so do all further calls: %j',
    async (fields) => {
      const controller = new AbortController();
      const { calls, table } = tableThat([silence], { signal: controller.signal });
      const seen = watch(table.get(key));
      const reason = Object.assign(new Error('Gone.'), fields);
      controller.abort(reason);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(seen.error).toBe(reason);
      await expect(table.get(key)).rejects.toBe(reason);
      expect(calls).toHaveLength(1);
      expect(calls[0]?.signal.aborted).toBe(true);
      const next = tableThat([empty], { signal: controller.signal });
      await expect(next.table.get(key)).rejects.toBe(reason);
      expect(next.calls).toEqual([]);
    },
  );
});

/** Fails when the time is over. */
const late = (fields: object) => () => {
  vi.setSystemTime(START + 100);
  return failing(fields)();
};

describe('an error says of a failed operation', () => {
  it.each<[string, string, readonly (() => unknown)[], number]>([
    ['what failed before the time limit cut a call off', 'ECONNREFUSED', [refused, silence], 100],
    ['what failed last', 'no answer in time', [refused, silence], 3_050],
    [
      'what failed last, also late',
      'throttles',
      [refused, late({ name: 'ThrottlingException' })],
      100,
    ],
    ['that a call was cut off if nothing failed before', 'no answer in time', [silence], 100],
  ])('%s', async (_what, message, answers, limitMs) => {
    const { table } = tableThat(answers, { endsAt: START + limitMs });
    const seen = watch(table.get(key));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(seen.error?.message).toContain(message);
  });

  it('what failed first, although another call has failed then', async () => {
    const { calls, table } = tableThat([throttled, forbidden]);
    const seen = watch(Promise.all([table.get(key), table.put({ Item: key })]));
    await vi.advanceTimersByTimeAsync(25);
    expect(calls.map(({ action }) => action)).toEqual(['GetItem', 'PutItem']);
    expect(seen.error?.message).toContain('dynamodb:PutItem');
    await expect(table.get(key)).rejects.toBe(seen.error);
    expect(calls).toHaveLength(2);
  });

  it('the call that was next when the time was over', async () => {
    const { calls, table } = tableThat([empty], { endsAt: START });
    await expect(table.query({})).rejects.toThrow('Time ran out before Query');
    await expect(table.query({})).rejects.toThrow('Time ran out before Query');
    expect(calls).toEqual([]);
  });

  it('that an update was next', async () => {
    const { table } = tableThat([empty], { endsAt: START + 40 });
    const pauses = [watch(table.pauseBeforeRetry(1)), watch(table.pauseBeforeRetry(2))];
    await vi.advanceTimersByTimeAsync(40);
    expect(pauses).toMatchObject([
      { afterMs: 25 },
      { error: { message: expect.stringContaining('Time ran out before UpdateItem') as string } },
    ]);
  });
});
