// How long an operation may take: its budget, and never beyond its time limit.
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { type ConnectionStore, StoreError } from '@gatecast/framework';
import type { TimeLimit } from '@gatecast/framework/adapter';
import { describe, expect, it, vi } from 'vitest';
import { storeOver } from '../src/dynamodb/dynamo-db-store.js';
import type { DynamoDbPort } from '../src/dynamodb/port.js';
import { startRefusing, startSilent } from './engines/refusing-server.js';
import { ample, makeRecord, makeTestClient } from './table-under-test.js';

const WAIT = { timeout: 30_000 };
const THROTTLED = { status: 400, type: 'ThrottlingException' };

function storeAt(endpoint: string, budgetMs: number): ConnectionStore {
  const client = makeTestClient(endpoint);
  return dynamoDbStore({ table: 'chat', client, budgetMs }).connections;
}

/** A table that answers every call after some time, without data. */
function slowTable(tookMs: number, options: { readonly budgetMs?: number } = {}) {
  const begun: string[] = [];
  const port: DynamoDbPort = {
    async call(operation) {
      begun.push(operation);
      await new Promise((resolve) => {
        setTimeout(resolve, tookMs);
      });
      return {};
    },
  };
  const access = async () => ({ port, region: 'us-east-1' });
  return { begun, connections: storeOver(access, { table: 'chat', ...options }).connections };
}

const ids = Array.from({ length: 1_000 }, (_, index) => `c${index}=`);

/** Every method of a store, and whether no client waits for it. */
const methods: readonly (readonly [
  string,
  boolean,
  (store: ConnectionStore, limit?: TimeLimit) => Promise<unknown>,
])[] = [
  ['connect', false, (store, limit) => store.connect(makeRecord(), ['rooms/1'], limit)],
  ['get', false, (store, limit) => store.get('c=', limit)],
  ['disconnect', true, (store, limit) => store.disconnect('c=', limit)],
  ['subscribe', false, (store, limit) => store.subscribe('c=', ['rooms/1'], ample, limit)],
  ['unsubscribe', false, (store, limit) => store.unsubscribe('c=', ['rooms/1'], limit)],
  ['subscribers', false, (store, limit) => store.subscribers('rooms/1', {}, limit)],
  ['channels', false, (store, limit) => store.channels('c=', limit)],
  ['prune', true, (store, limit) => store.prune(ids, limit)],
];

describe.each(methods)('E2 %s()', (_name, usesWholeLimit, call) => {
  it('starts no call after its time limit', async () => {
    const { begun, connections } = slowTable(0);
    await expect(call(connections, { endsAt: Date.now() })).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('Time ran out'),
    });
    expect(begun).toEqual([]);
  });

  it('starts no call after its signal was aborted, and throws the reason', async () => {
    const { begun, connections } = slowTable(0);
    const reason = new Error('The client has gone.');
    await expect(call(connections, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(begun).toEqual([]);
  });

  it('ends when its signal is aborted, even during a call', async () => {
    await using server = await startSilent();
    const controller = new AbortController();
    const running = call(storeAt(server.endpoint, 60_000), { signal: controller.signal });
    await Promise.all([
      expect(running).rejects.toThrow('The client has gone.'),
      (async () => {
        await vi.waitFor(() => expect(server.served.count).toBeGreaterThan(0), WAIT);
        controller.abort(new Error('The client has gone.'));
      })(),
    ]);
  });

  it('ends at its time limit, even during a call', async () => {
    await using server = await startSilent();
    const running = call(storeAt(server.endpoint, 60_000), { endsAt: Date.now() + 2_000 });
    await expect(running).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('could not be reached (no answer in time)'),
    });
    expect(server.served.count).toBeGreaterThan(0);
  });

  it('is retried while time is left', async () => {
    await using server = await startRefusing(THROTTLED);
    const running = call(storeAt(server.endpoint, 60_000), { endsAt: Date.now() + 2_000 });
    await expect(running).rejects.toBeInstanceOf(StoreError);
    expect(server.served.count).toBeGreaterThan(1);
  });

  it(`B11 may take ${usesWholeLimit ? 'its whole time limit' : 'at most its budget'}`, async () => {
    const leftMs: number[] = [];
    const port: DynamoDbPort = {
      async call(_operation, _input, { endsAt }) {
        leftMs.push(endsAt - Date.now());
        throw new Error('No further call is needed.');
      },
    };
    const access = async () => ({ port, region: 'us-east-1' });
    const { connections } = storeOver(access, { table: 'chat', budgetMs: 500 });
    await expect(call(connections, { endsAt: Date.now() + 60_000 })).rejects.toThrow(StoreError);
    expect(leftMs[0]).toSatisfy((ms: number) => (usesWholeLimit ? ms > 500 : ms <= 500));
  });
});

it('E2 a call that is cut off by its time limit does not hide why the one before has failed', async () => {
  let calls = 0;
  const port: DynamoDbPort = {
    async call() {
      calls += 1;
      if (calls === 1) throw Object.assign(new Error('Refused.'), { code: 'ECONNREFUSED' });
      return new Promise<never>(() => {});
    },
  };
  const access = async () => ({ port, region: 'us-east-1' });
  const { connections } = storeOver(access, { table: 'chat', budgetMs: 2_000 });
  await expect(connections.get('c=')).rejects.toMatchObject({
    message: expect.stringContaining('could not be reached (ECONNREFUSED)'),
  });
  expect(calls).toBe(2);
});

describe('E2 an operation of many calls', () => {
  it('starts no call after its time limit', async () => {
    const { begun, connections } = slowTable(20);
    await expect(connections.prune(ids, { endsAt: Date.now() + 150 })).rejects.toBeInstanceOf(
      StoreError,
    );
    const count = begun.length;
    expect(count).toBeLessThan(ids.length);
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(begun).toHaveLength(count);
  });

  it('keeps to its budget if it has no time limit', async () => {
    const { begun, connections } = slowTable(20, { budgetMs: 150 });
    await expect(connections.prune(ids)).rejects.toBeInstanceOf(StoreError);
    expect(begun.length).toBeLessThan(ids.length);
  });
});
