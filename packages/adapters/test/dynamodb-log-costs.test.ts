// Capacity units of the log, as the engine reports them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costOf } from './cost-of.js';
import type { Engine } from './engines/engine.js';
import { engines, pageOf, publish, publishMany, room } from './log-under-test.js';
import { openTable } from './table-under-test.js';

const payloadOf = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));

describe.each(engines)('what the log costs on $name', ({ start }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  it.each([200, 800])('takes 3 write units to publish %i bytes', async (bytes) => {
    await using table = await openTable(engine);
    await publishMany(table, 1, 30);
    const payload = payloadOf(bytes);
    expect(await costOf(table, () => publish(table, 'p', { payload }))).toEqual({
      calls: ['PutItem', 'UpdateItem', 'PutItem'],
      writeUnits: 3,
      readUnits: 0,
    });
  });

  it('takes at most 3.2 write units and 0.2 read units in the long run', async () => {
    await using table = await openTable(engine);
    await publishMany(table, 1, 24);
    const payload = payloadOf(200);
    const { writeUnits, readUnits } = await costOf(table, async () => {
      for (let index = 0; index < 60; index += 1) await publish(table, `q${index}`, { payload });
    });
    expect(writeUnits / 60).toBeLessThan(3.2);
    expect(readUnits / 60).toBeLessThan(0.2);
  });

  it('takes one read unit more in a new environment', async () => {
    await using table = await openTable(engine);
    await publishMany(table, 1, 30);
    await using cold = await openTable(engine, { table: table.table });
    expect(await costOf(cold, () => publish(cold, 'p'))).toEqual({
      calls: ['GetItem', 'PutItem', 'UpdateItem', 'PutItem'],
      writeUnits: 3,
      readUnits: 1,
    });
  });

  it('takes two units for each KB of a large event', async () => {
    await using table = await openTable(engine);
    await publishMany(table, 1, 30);
    const payload = payloadOf(20 * 1_024);
    const { writeUnits } = await costOf(table, () => publish(table, 'p', { payload }));
    expect(writeUnits).toBe(2 * 21 + 1);
  });

  it('takes one read unit to resume where nothing was missed', async () => {
    await using table = await openTable(engine);
    await publishMany(table, 1, 30);
    const { entry } = await publish(table, 'p');
    const request = { ...room, limit: 100, maxBytes: 30_000, keep: true, after: entry.position };
    const cost = await costOf(table, async () => {
      expect(pageOf(await table.log.readAfter(request)).entries).toEqual([]);
    });
    expect(cost).toEqual({ calls: ['GetItem'], writeUnits: 0, readUnits: 1 });
  });

  it.each([
    // The bytes of a page, the events of a page, and the read units of the first and of any other page.
    [200_000, 9, 60, 60],
    [30_000, 1, 60, 20],
    [600, 1, 25, 15],
  ])(
    'does not read far beyond a page of %i bytes of large events',
    async (maxBytes, size, first, others) => {
      await using table = await openTable(engine);
      let { position } = await table.log.head(room);
      const payload = payloadOf(20 * 1_024);
      for (let index = 0; index < 30; index += 1) await publish(table, `q${index}`, { payload });
      const costs: number[] = [];
      for (let page = 1; page <= 3; page += 1) {
        const { readUnits } = await costOf(table, async () => {
          const request = { ...room, limit: 1_000, maxBytes, after: position };
          const { entries } = pageOf(await table.log.readAfter(request));
          position = entries.at(-1)?.position ?? position;
        });
        expect(position.offset).toBe(page * size);
        costs.push(readUnits);
      }
      const [one = 0, ...rest] = costs;
      expect(one).toBeLessThanOrEqual(first);
      expect(Math.max(...rest)).toBeLessThanOrEqual(others);
    },
  );

  it('takes at most three queries for 100 small events, and one if it knows their size', async () => {
    await using table = await openTable(engine);
    const { position } = await table.log.head(room);
    const payload = payloadOf(200);
    for (let index = 0; index < 110; index += 1) await publish(table, `q${index}`, { payload });
    const request = { ...room, limit: 100, maxBytes: 30_000, after: position };
    const read = async () => {
      expect(pageOf(await table.log.readAfter(request)).entries).toHaveLength(100);
    };
    expect((await costOf(table, read)).calls.length).toBeLessThanOrEqual(4);
    expect((await costOf(table, read)).calls).toEqual(['GetItem', 'Query']);
  });
});
