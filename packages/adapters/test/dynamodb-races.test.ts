// Another call overtakes an operation between two of its calls to DynamoDB.
import { setImmediate } from 'node:timers/promises';
import { type ConnectionRecord, StoreError } from '@gatecast/framework';
import { sliceKey } from '@gatecast/framework/adapter';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { storeOver } from '../src/dynamodb/dynamo-db-store.js';
import { toAttributes } from '../src/dynamodb/items.js';
import type { DynamoDbPort } from '../src/dynamodb/port.js';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import {
  connected,
  makeRecord,
  openTable,
  subscribe,
  type TableUnderTest,
} from './table-under-test.js';

let engine: Engine;
let table: TableUnderTest;
let other: TableUnderTest;
beforeAll(async () => {
  engine = await startDynalite();
  table = await openTable(engine);
  other = await openTable(engine, { table: table.table });
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await table[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

afterEach(() => {
  vi.useRealTimers();
  for (const { hooks } of [table, other]) {
    delete hooks.before;
    delete hooks.after;
    delete hooks.finally;
  }
});

type Hooks = TableUnderTest['hooks'];
type Input = Readonly<Record<string, unknown>>;

/** Does something before the first call of an action whose input meets the condition. */
function onceBefore(
  hooks: Hooks,
  [action, meets]: readonly [string, (input: Input) => boolean],
  act: () => unknown,
): void {
  hooks.before = async (called, input) => {
    if (called !== action || !meets(input)) return;
    delete hooks.before;
    await act();
  };
}

const any = () => true;
const isPrune = (input: Input) => String(input['UpdateExpression']).includes('#pruned');
const isMembership = ({ Key }: Input) => JSON.stringify(Key).includes('S#');

/** Ends the operation that calls it, as if its environment ended before the call. */
function die(): never {
  throw new Error('cut off');
}

/** Begins a disconnect and leaves it after the mark. */
async function leaveDisconnect(connectionId: string): Promise<void> {
  onceBefore(other.hooks, ['BatchWriteItem', any], die);
  await expect(other.connections.disconnect(connectionId)).rejects.toThrow(StoreError);
}

/** The channels of a connection, which has to have memberships in these only, with its values. */
async function channelsOf({ connectionId, connectedAt }: ConnectionRecord): Promise<string[]> {
  const channels = [...(await other.connections.channels(connectionId))].sort();
  const rows = await table.rows();
  const memberships = rows.filter(({ sk }) => sk?.S === sliceKey(connectionId));
  expect(memberships.map((row) => `${row['pk']?.S} ${row['connectedAt']?.N}`).sort()).toEqual(
    channels.map((channel) => `S#${channel}#0 ${connectedAt}`),
  );
  return channels;
}

describe('a connection whose id is used again', () => {
  it('E1 is not ended by another connect that was about to remove the old row', async () => {
    const record = await connected(table, ['old']);
    await leaveDisconnect(record.connectionId);
    onceBefore(table.hooks, ['UpdateItem', isPrune], () =>
      other.connections.connect(record, ['first']),
    );
    await table.connections.connect(record, ['second']);
    expect(await channelsOf(record)).toEqual(['first', 'second']);
  });

  it('keeps its memberships when a connect deletes those of the old row late', async () => {
    const record = await connected(table, ['rooms/1']);
    await leaveDisconnect(record.connectionId);
    onceBefore(table.hooks, ['BatchWriteItem', any], () =>
      other.connections.connect(record, ['rooms/1']),
    );
    await table.connections.connect(record, []);
    expect(await channelsOf(record)).toEqual(['rooms/1']);
  });

  it('keeps its memberships when a disconnect deletes those of the old row late', async () => {
    const record = await connected(table, ['rooms/1', 'rooms/2']);
    onceBefore(table.hooks, ['BatchWriteItem', any], () =>
      other.connections.connect(record, ['rooms/1']),
    );
    const old = await table.connections.disconnect(record.connectionId);
    expect(old?.channels).toHaveLength(2);
    expect(await channelsOf(record)).toEqual(['rooms/1']);
  });

  it('keeps its memberships when a second disconnect deletes those of the old row late', async () => {
    const record = await connected(table, ['rooms/1']);
    await leaveDisconnect(record.connectionId);
    onceBefore(table.hooks, ['BatchWriteItem', any], () =>
      other.connections.connect(record, ['rooms/1']),
    );
    expect(await table.connections.disconnect(record.connectionId)).toBeUndefined();
    expect(await channelsOf(record)).toEqual(['rooms/1']);
  });

  it('keeps its memberships when a prune deletes those of the old row late', async () => {
    const record = await connected(table, ['rooms/1']);
    onceBefore(table.hooks, ['BatchWriteItem', any], () =>
      other.connections.connect(record, ['rooms/1']),
    );
    await table.connections.prune([record.connectionId]);
    expect(await channelsOf(record)).toEqual(['rooms/1']);
  });

  it('is reported by a disconnect that has lost its answer when a connect deletes the row', async () => {
    const record = await connected(table, ['rooms/1']);
    await table.connections.prune([record.connectionId]);
    const disconnected = new Promise((resolve) => {
      onceBefore(table.hooks, ['DeleteItem', any], async () => {
        const isRefused = new Promise<void>((refuse) => {
          table.hooks.finally = refuse;
        });
        await new Promise<void>((markIsSet) => {
          other.hooks.after = async () => {
            delete other.hooks.after;
            markIsSet();
            await isRefused;
            throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
          };
          resolve(other.connections.disconnect(record.connectionId));
        });
        // The next call of the connect comes after the disconnect.
        table.hooks.before = () => disconnected;
      });
    });
    await table.connections.connect(record, []);
    expect(await disconnected).toEqual({ record, channels: ['rooms/1'] });
    expect(await channelsOf(record)).toEqual([]);
  });
});

describe('a connect that replaces the record', () => {
  it('writes the membership again that an unsubscribe has deleted before it was cut off', async () => {
    const record = await connected(table, ['rooms/1']);
    const again = { ...record, connectedAt: 1 };
    onceBefore(table.hooks, ['UpdateItem', isMembership], async () => {
      onceBefore(other.hooks, ['UpdateItem', any], die);
      const left = other.connections.unsubscribe(record.connectionId, ['rooms/1']);
      await expect(left).rejects.toThrow(StoreError);
    });
    await table.connections.connect(again, []);
    expect(await channelsOf(again)).toEqual(['rooms/1']);
  });

  it('leaves a membership alone that an unsubscribe has ended', async () => {
    const record = await connected(table, ['rooms/1']);
    const again = { ...record, connectedAt: 1 };
    onceBefore(table.hooks, ['UpdateItem', isMembership], () =>
      other.connections.unsubscribe(record.connectionId, ['rooms/1']),
    );
    table.calls.length = 0;
    await table.connections.connect(again, []);
    expect(await channelsOf(again)).toEqual([]);
    const replace = ['UpdateItem', 'GetItem', 'UpdateItem'];
    expect(table.calls).toEqual([...replace, 'BatchGetItem', 'UpdateItem', 'GetItem', 'GetItem']);
  });
});

it('a subscribe waits before it repeats an update that another call has made fail', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const record = makeRecord();
  let updates = 0;
  const port: DynamoDbPort = {
    async call(operation) {
      if (operation === 'GetItem') return { Item: toAttributes(record) };
      if (operation !== 'UpdateItem') return {};
      updates += 1;
      if (updates > 1) return {};
      throw Object.assign(new Error(), { name: 'ConditionalCheckFailedException' });
    },
  };
  const access = async () => ({ port, region: 'us-east-1' });
  const { connections } = storeOver(access, { table: 'chat' });
  const subscribed = subscribe(connections, record.connectionId, 'rooms/1');
  await setImmediate();
  expect(updates).toBe(1);
  await vi.runAllTimersAsync();
  expect(await subscribed).toBe('subscribed');
  expect(updates).toBe(2);
});
