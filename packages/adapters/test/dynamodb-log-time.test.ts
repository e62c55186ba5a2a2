// How long the operations of a log may take: DynamoDB throttles every call, and the clock is not the real one.
import type { MessageLog } from '@gatecast/framework';
import type { TimeLimit } from '@gatecast/framework/adapter';
import { afterEach, expect, it, vi } from 'vitest';
import { storeOver } from '../src/dynamodb/dynamo-db-store.js';
import type { DynamoDbPort } from '../src/dynamodb/port.js';
import { publishOf, room } from './log-under-test.js';

const HEAD = {
  epoch: { S: 'aaaaaaaaaaaa' },
  top: { N: '1' },
  floor: { N: '0' },
  ids: { M: {} },
  ttl: { N: '9999999999' },
};

afterEach(() => {
  vi.useRealTimers();
});

/** A log whose table answers until it throttles. */
async function openLog(budgetMs: number) {
  const state = { throttles: false, lastSentAt: 0 };
  const port: DynamoDbPort = {
    async call(operation) {
      state.lastSentAt = Date.now();
      if (state.throttles) {
        const $metadata = { httpStatusCode: 400 };
        throw Object.assign(new Error('Throttled.'), { name: 'ThrottlingException', $metadata });
      }
      const answers = { GetItem: { Item: HEAD }, UpdateItem: { Attributes: HEAD } };
      return answers[operation as 'GetItem'] ?? {};
    },
  };
  const access = async () => ({ port, region: 'us-east-1' });
  const { log } = storeOver(access, { table: 'chat', budgetMs });
  if (!log) throw new Error('The store has no log.');
  // Loads the code of the log.
  await log.head(room);
  return { log, state };
}

type Work = (log: MessageLog, limit: TimeLimit) => Promise<unknown>;

const append: Work = (log, limit) => log.append(publishOf('p'), limit);
const purge: Work = (log, limit) => log.purge(room, limit);
const inEvent = { endsAt: 300_000 };

it.each<readonly [string, Work, TimeLimit, budgetMs: number, fromMs: number, toMs: number]>([
  ['an append', append, {}, 5_000, 3_000, 5_000],
  ['an append with a large budget', append, {}, 600_000, 50_000, 60_000],
  ['an append with a large budget in an event', append, inEvent, 600_000, 50_000, 60_000],
  ['a purge', purge, {}, 5_000, 50_000, 60_000],
  ['a purge without an end', purge, { endsAt: Infinity }, 5_000, 50_000, 60_000],
  ['a purge in an event', purge, inEvent, 5_000, 290_000, 300_000],
])('%s ends in time', async (_name, work, { endsAt }, budgetMs, fromMs, toMs) => {
  const { log, state } = await openLog(budgetMs);
  state.throttles = true;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.now() });
  const begunAt = Date.now();
  let tookMs = 0;
  const limit = endsAt === undefined ? {} : { endsAt: begunAt + endsAt };
  const running = work(log, limit).catch(() => {
    tookMs = Date.now() - begunAt;
  });
  await vi.advanceTimersByTimeAsync(1_000_000);
  await running;
  expect(tookMs).toBeGreaterThanOrEqual(fromMs);
  expect(tookMs).toBeLessThanOrEqual(toMs);
  expect(state.lastSentAt - begunAt).toBeLessThanOrEqual(toMs);
});

it('what follows an append takes little time, because the answer waits for it', async () => {
  const { log, state } = await openLog(5_000);
  const result = await log.append(publishOf('p'));
  if (result.result !== 'appended') throw new Error(result.result);
  state.throttles = true;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.now() });
  const begunAt = Date.now();
  let tookMs = 0;
  const running = result.finish?.(Promise.resolve(1)).catch(() => {
    tookMs = Date.now() - begunAt;
  });
  await vi.advanceTimersByTimeAsync(100_000);
  await running;
  expect(tookMs).toBeGreaterThan(0);
  expect(tookMs).toBeLessThanOrEqual(750);
});
