// When an answer is lost, the store repeats a request that DynamoDB has already carried out.
import type { ConnectionStore } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { ample, connected, makeRecord, openTable, subscribe } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Runs some work on a connection in `rooms/1`, and loses the first answer to an action. */
async function withoutAnswer<T>(
  action: string,
  run: (connections: ConnectionStore, connectionId: string) => Promise<T>,
): Promise<T> {
  await using table = await openTable(engine);
  const { connectionId } = await connected(table, ['rooms/1']);
  let lost = 0;
  table.hooks.after = (called) => {
    if (called !== action || lost > 0) return;
    lost += 1;
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  };
  const result = await run(table.connections, connectionId);
  expect(lost).toBe(1);
  return result;
}

describe('a lost answer', () => {
  it('does not hide that a subscription is new', async () => {
    const results = await withoutAnswer('UpdateItem', (store, id) =>
      store.subscribe(id, ['rooms/1', 'rooms/2'], ample),
    );
    expect(results).toEqual(['present', 'subscribed']);
  });

  it('does not hide that a subscription has ended', async () => {
    const results = await withoutAnswer('UpdateItem', (store, id) =>
      store.unsubscribe(id, ['rooms/1', 'rooms/2']),
    );
    expect(results).toEqual([true, false]);
  });

  it.each(['UpdateItem', 'DeleteItem'])(
    'does not hide the connection that was removed (%s)',
    async (action) => {
      const left = await withoutAnswer(action, (store, id) => store.disconnect(id));
      expect(left?.channels).toEqual(['rooms/1']);
    },
  );

  it('does not make a new connection look like an existing one', async () => {
    const record = makeRecord();
    const found = await withoutAnswer('UpdateItem', async (store) => {
      await store.connect(record, ['rooms/1']);
      return [await store.get(record.connectionId), (await store.subscribers('rooms/1')).items];
    });
    expect(found).toEqual([record, expect.objectContaining({ length: 2 })]);
  });

  it.each([
    ['unsubscribe', false, true],
    ['subscribe', 'present', 'subscribed'],
  ] as const)(
    'does not make %s take credit for what another call has done meanwhile',
    async (kind, expected, others) => {
      await using table = await openTable(engine);
      await using other = await openTable(engine, { table: table.table });
      const { connectionId } = await connected(table, kind === 'unsubscribe' ? ['rooms/1'] : []);
      const call = ({ connections }: typeof table) =>
        kind === 'unsubscribe'
          ? connections.unsubscribe(connectionId, ['rooms/1'])
          : connections.subscribe(connectionId, ['rooms/1'], ample);
      let meanwhile: unknown;
      table.hooks.before = async (action) => {
        if (action !== 'UpdateItem' || meanwhile !== undefined) return;
        meanwhile = await call(other);
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      };
      expect(await call(table)).toEqual([expected]);
      expect(meanwhile).toEqual([others]);
    },
  );

  it('of an unsubscribe leads to the removal of what a subscribe wrote meanwhile', async () => {
    await using table = await openTable(engine);
    await using other = await openTable(engine, { table: table.table });
    const { connectionId } = await connected(table, ['rooms/1']);
    const isLeaving = (input: object) =>
      'UpdateExpression' in input && String(input.UpdateExpression).startsWith('DELETE');
    let lost = 0;
    table.hooks.after = async (_action, _output, input) => {
      if (!isLeaving(input) || lost > 0) return;
      lost += 1;
      await subscribe(other.connections, connectionId, 'rooms/1');
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    };
    await table.connections.unsubscribe(connectionId, ['rooms/1']);
    expect(lost).toBe(1);
    expect(await table.connections.channels(connectionId)).toEqual([]);
    expect((await table.connections.subscribers('rooms/1')).items).toEqual([]);
  });
});
