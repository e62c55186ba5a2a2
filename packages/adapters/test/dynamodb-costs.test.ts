// Calls to DynamoDB and capacity units, as the engine reports them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costOf } from './cost-of.js';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { ample, connected, makeRecord, openTable } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

const named = (count: number, length = 0): string[] =>
  Array.from({ length: count }, (_, index) => `rooms/${index}`.padEnd(length, 'x'));

describe('what dynamoDbStore() costs', () => {
  it('takes one write to connect, plus one batch and one read for channels', async () => {
    await using table = await openTable(engine);
    const { connections } = table;
    const alone = await costOf(table, () => connections.connect(makeRecord(), []));
    expect(alone).toEqual({ calls: ['UpdateItem'], writeUnits: 1, readUnits: 0 });
    const subscribed = await costOf(table, () =>
      connections.connect(makeRecord(), ['announcements', 'users/ann']),
    );
    expect(subscribed).toEqual({
      calls: ['UpdateItem', 'BatchWriteItem', 'GetItem'],
      writeUnits: 3,
      readUnits: 1,
    });
  });

  it('takes two writes and two reads to subscribe and to unsubscribe', async () => {
    await using table = await openTable(engine);
    const { connectionId } = await connected(table);
    const { connections } = table;
    expect(
      await costOf(table, () => connections.subscribe(connectionId, ['rooms/42'], ample)),
    ).toEqual({
      calls: ['GetItem', 'UpdateItem', 'BatchWriteItem', 'GetItem'],
      writeUnits: 2,
      readUnits: 2,
    });
    expect(await costOf(table, () => connections.unsubscribe(connectionId, ['rooms/42']))).toEqual({
      calls: ['GetItem', 'BatchWriteItem', 'UpdateItem', 'BatchGetItem'],
      writeUnits: 2,
      readUnits: 2,
    });
  });

  it('E3 takes few calls to subscribe to many channels', async () => {
    await using table = await openTable(engine);
    const { connections } = table;
    const few = await connected(table);
    const short = await costOf(table, () =>
      connections.subscribe(few.connectionId, named(50), ample),
    );
    expect(short.calls.length).toBeLessThanOrEqual(5);
    expect(short.writeUnits).toBeLessThanOrEqual(55);
    const many = await connected(table);
    const long = await costOf(table, () =>
      connections.subscribe(many.connectionId, named(200, 45), ample),
    );
    expect(long.calls.length).toBeLessThanOrEqual(14);
    expect(long.writeUnits).toBeLessThanOrEqual(215);
    const left = await costOf(table, () =>
      connections.unsubscribe(many.connectionId, named(200, 45)),
    );
    expect(left.calls.length).toBeLessThanOrEqual(14);
    expect(left.writeUnits).toBeLessThanOrEqual(215);
  });

  it('E3 takes one attempt for each of several calls that subscribe to different channels at once', async () => {
    await using table = await openTable(engine);
    const { connections } = table;
    const { connectionId } = await connected(table);
    const { calls } = await costOf(table, () =>
      Promise.all(named(50).map((name) => connections.subscribe(connectionId, [name], ample))),
    );
    expect(calls).toHaveLength(4 * 50);
  });

  it('takes one batch to write a membership that a subscribe has left out', async () => {
    await using table = await openTable(engine);
    const { connectionId } = await connected(table, ['announcements']);
    const { connections, hooks } = table;
    const repeat = () => connections.subscribe(connectionId, ['announcements', 'rooms/42'], ample);
    hooks.before = (action) => {
      if (action === 'BatchWriteItem') throw new Error('cut off');
    };
    await expect(repeat()).rejects.toThrow('cut off');
    const { calls, writeUnits } = await costOf(table, repeat);
    expect(calls).toEqual(['GetItem', 'BatchGetItem', 'BatchWriteItem', 'GetItem']);
    expect(writeUnits).toBe(1);
  });

  it('E4 only reads to subscribe to channels again', async () => {
    await using table = await openTable(engine);
    const { connections } = table;
    const { connectionId } = await connected(table, named(200, 200));
    let results: unknown;
    const again = await costOf(table, async () => {
      results = await connections.subscribe(connectionId, named(50, 200), ample);
    });
    expect(results).toEqual(Array.from({ length: 50 }, () => 'present'));
    expect(again.calls).toEqual(['GetItem', 'BatchGetItem']);
    expect(again.writeUnits).toBe(0);
    expect(again.readUnits).toBeLessThan(100);
  });

  it('E4 only reads to subscribe beyond a limit, and to unsubscribe from other channels', async () => {
    await using table = await openTable(engine);
    const { connections } = table;
    const { connectionId } = await connected(table, ['subscribed']);
    const limits = { maxChannels: 1, maxBytes: 1_000 };
    const [full, left] = [
      await costOf(table, () => connections.subscribe(connectionId, named(50), limits)),
      await costOf(table, () => connections.unsubscribe(connectionId, named(50))),
    ];
    expect([full.writeUnits, left.writeUnits]).toEqual([0, 0]);
    expect(full.calls).toEqual(['GetItem', 'BatchGetItem']);
    expect(left.calls).toEqual(['GetItem', 'BatchGetItem']);
  });

  it('takes two writes to disconnect, plus a batch for every 25 channels', async () => {
    await using table = await openTable(engine);
    const { connectionId } = await connected(table, named(30));
    const { calls } = await costOf(table, () => table.connections.disconnect(connectionId));
    expect(calls).toEqual(['UpdateItem', 'BatchWriteItem', 'BatchWriteItem', 'DeleteItem']);
    expect(await table.rows()).toEqual([]);
  });

  it('takes one write to disconnect a connection that is gone', async () => {
    await using table = await openTable(engine);
    const { calls } = await costOf(table, () => table.connections.disconnect('gone='));
    expect(calls).toEqual(['UpdateItem']);
  });

  it('takes one write to prune a connection without channels', async () => {
    await using table = await openTable(engine);
    const { connectionId } = await connected(table);
    const { calls } = await costOf(table, () => table.connections.prune([connectionId]));
    expect(calls).toEqual(['UpdateItem']);
  });

  it('C8 takes little more than one write for each of many connections to prune them', async () => {
    await using table = await openTable(engine);
    const all = await Promise.all(
      Array.from({ length: 100 }, () => connected(table, ['rooms/42'])),
    );
    const ids = all.map(({ connectionId }) => connectionId);
    const { calls, writeUnits } = await costOf(table, () => table.connections.prune(ids));
    expect(calls).toHaveLength(105);
    expect(writeUnits).toBe(200);
    expect((await table.connections.subscribers('rooms/42')).items).toEqual([]);
  });

  it('takes one query of small rows to read the subscribers of a channel', async () => {
    await using table = await openTable(engine);
    await connected(table, ['rooms/42'], { identityExpiresAt: 4e12, userId: 'ann' });
    const { calls } = await costOf(table, () => table.connections.subscribers('rooms/42'));
    expect(calls).toEqual(['Query']);
    const rows = await table.rows();
    const membership = rows.find(({ pk }) => pk?.S === 'S#rooms/42#0') ?? {};
    // The names of attributes count too; a number takes a byte for every two digits, and two more (Amazon
    // DynamoDB developer guide, "Item sizes and formats").
    const bytes = Object.entries(membership).map(
      ([name, { S, N }]) => name.length + (S?.length ?? Math.ceil((N?.length ?? 0) / 2) + 2),
    );
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(250);
  });
});
