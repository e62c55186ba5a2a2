// Which entries a read of the log returns, and in pages of which size it asks for them.
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import type { Position, ReadResult } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { bodyOf, callsOf, publish, publishOf, RETENTION_S, room } from './log-under-test.js';
import { openTable, type TableUnderTest } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

const payload = 'x'.repeat(100);
const wide = { ...room, limit: 100, maxBytes: 1e6 };
/** The ring has the entries behind this one, if there are {@link LAST}. */
const FLOOR = 12;
const LAST = 30;

/** Publishes entries. Returns the positions from that before the first one on. */
async function fill(table: TableUnderTest, last = LAST): Promise<Position[]> {
  const positions = [(await table.log.head(room)).position];
  for (let index = 1; index <= last; index += 1) {
    positions.push((await publish(table, `p${index}`, { payload })).entry.position);
  }
  return positions;
}

/** Appends entries whose publishers die before the put into LOG. */
async function claim(table: TableUnderTest, ids: readonly string[]): Promise<void> {
  for (const id of ids) await table.log.append(publishOf(id, { payload }));
}

/** The first and the last offset, and whether there are more; or why there are none. */
function seen(result: ReadResult): string {
  if ('reset' in result) return result.reset;
  const offsets = result.entries.map(({ position }) => position.offset);
  expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] ?? 0) + index));
  const range = offsets.length === 0 ? 'none' : `${offsets[0]}-${offsets.at(-1)}`;
  return result.more ? `${range} and more` : range;
}

const remove = ({ client, table }: TableUnderTest, pk: string, sk = '-') =>
  client.send(new DeleteItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } } }));

describe('a read of the log', () => {
  it('returns a page after or before a position, or the last one', async () => {
    await using table = await openTable(engine);
    const positions = await fill(table);
    const after = async (offset: number, limit: number) =>
      seen(await table.log.readAfter({ ...wide, limit, after: positions[offset] as Position }));
    const before = async (offset: number | undefined, limit: number) => {
      const position = offset === undefined ? {} : { before: positions[offset] as Position };
      return seen(await table.log.readBefore({ ...wide, limit, ...position }));
    };
    expect(await after(0, 10)).toBe('1-10 and more');
    expect(await after(20, 9)).toBe('21-29 and more');
    expect(await after(20, 10)).toBe('21-30');
    expect(await after(20, 11)).toBe('21-30');
    expect(await after(29, 1)).toBe('30-30');
    expect(await after(30, 1)).toBe('none');
    expect(await before(undefined, 1)).toBe('30-30 and more');
    expect(await before(undefined, 29)).toBe('2-30 and more');
    expect(await before(undefined, 30)).toBe('1-30');
    expect(await before(undefined, 31)).toBe('1-30');
    expect(await before(11, 9)).toBe('2-10 and more');
    expect(await before(11, 10)).toBe('1-10');
    expect(await before(1, 10)).toBe('none');
  });

  it('returns entries as they were published, from LOG and from BODY', async () => {
    await using table = await openTable(engine, { now: () => 1_800_000_000_123 });
    const positions = await fill(table, 24);
    await claim(table, ['c25']);
    const result = await table.log.readAfter({ ...wide, after: positions[0] as Position });
    const { position: last } = await table.log.head(room);
    const entries = [...positions.slice(1), last].map((position) => ({
      position,
      at: 1_800_000_000_123,
      payload,
    }));
    expect(result).toEqual({ entries, more: false, head: { position: last } });
  });

  it('returns as many bytes as it may, but at least one entry', async () => {
    await using table = await openTable(engine);
    await using unfinished = await openTable(engine);
    const inLog = await fill(table);
    const { position: start } = await unfinished.log.head(room);
    await claim(unfinished, ['p1', 'p2', 'p3', 'p4']);
    const first = inLog[0] as Position;
    for (const [{ log }, from, top] of [
      [table, first, LAST],
      [unfinished, start, 4],
    ] as const) {
      for (const [maxBytes, count] of [
        [0, 1],
        [199, 1],
        [200, 2],
        [300, 3],
        [301, 3],
      ] as const) {
        const after = await log.readAfter({ ...wide, maxBytes, after: from });
        expect(seen(after)).toBe(`1-${count} and more`);
        const last = await log.readBefore({ ...wide, maxBytes });
        expect(seen(last)).toBe(`${top + 1 - count}-${top} and more`);
      }
    }
    const at = (offset: number) => inLog[offset] as Position;
    const three = { ...wide, maxBytes: 300 };
    expect(seen(await table.log.readAfter({ ...three, after: at(27) }))).toBe('28-30');
    expect(seen(await table.log.readBefore({ ...three, before: at(4) }))).toBe('1-3');
  });

  it('says if the position is not of this log, as far as the ring can tell', async () => {
    await using table = await openTable(engine);
    const positions = await fill(table);
    const read = async (position: Position) => {
      const after = seen(await table.log.readAfter({ ...wide, after: position }));
      const before = seen(await table.log.readBefore({ ...wide, before: position }));
      return `${after}, ${before}`;
    };
    const [epoch, tag] = ['e'.repeat(12), 'z'.repeat(6)];
    const at = (offset: number) => positions[offset] as Position;
    expect(await read({ ...at(20), epoch })).toBe('epoch, epoch');
    expect(await read({ ...at(LAST), offset: LAST + 1 })).toBe('forked, forked');
    expect(await read({ ...at(LAST), offset: LAST + 1, tag: '' })).toBe('forked, forked');
    expect(await read(at(LAST))).toBe('none, 1-29');
    expect(await read({ ...at(LAST), tag })).toBe('forked, forked');
    expect(await read(at(FLOOR + 1))).toBe('14-30, 1-12');
    expect(await read({ ...at(FLOOR + 1), tag })).toBe('forked, forked');
    expect(await read({ ...at(FLOOR), tag })).toBe('13-30, 1-11');
  });

  it('ends where entries have expired, in LOG and in BODY', async () => {
    const start = Math.floor(Date.now() / 1_000) * 1_000;
    let now = start;
    await using table = await openTable(engine, { now: () => now });
    const [first] = await fill(table, 3);
    now = start + 3_000_000;
    await claim(table, ['c4', 'c5']);
    now = start + 4_000_000;
    await claim(table, ['c6']);
    const read = async (seconds: number) => {
      now = start + seconds * 1_000;
      const after = seen(await table.log.readAfter({ ...wide, after: first as Position }));
      return `${after}, ${seen(await table.log.readBefore(wide))}`;
    };
    expect(await read(RETENTION_S)).toBe('1-6, 1-6');
    expect(await read(RETENTION_S + 1)).toBe('trimmed, 4-6');
    // A claim can be read half an hour longer than an entry.
    expect(await read(3_000 + RETENTION_S + 1_800)).toBe('trimmed, 4-6');
    expect(await read(3_000 + RETENTION_S + 1_801)).toBe('trimmed, 6-6');
    expect(await read(4_000 + RETENTION_S + 1_801)).toBe('trimmed, none');
  });

  it('ends where a row is gone, in LOG and in BODY', async () => {
    await using table = await openTable(engine);
    const positions = await fill(table);
    const at = (offset: number) => positions[offset] as Position;
    const log = `L#rooms/42#${at(1).epoch}#0`;
    const after = async (offset: number) =>
      seen(await table.log.readAfter({ ...wide, after: at(offset) }));
    await remove(table, log, '5'.padStart(12, '0'));
    expect([await after(0), await after(4), await after(5)]).toEqual([
      'trimmed',
      'trimmed',
      '6-30',
    ]);
    expect(seen(await table.log.readBefore(wide))).toBe('6-30');
    await remove(table, log, `${FLOOR}`.padStart(12, '0'));
    expect(await after(5)).toBe('trimmed');
    expect(seen(await table.log.readBefore(wide))).toBe('13-30');
    // Behind the floor BODY has it, until that is gone, too.
    await remove(table, log, '20'.padStart(12, '0'));
    expect([await after(12), seen(await table.log.readBefore(wide))]).toEqual(['13-30', '13-30']);
    await remove(table, bodyOf('p20'));
    expect([await after(12), seen(await table.log.readBefore(wide))]).toEqual(['trimmed', '21-30']);
  });

  it('ends where the log was purged, or has more entries than may be read', async () => {
    await using table = await openTable(engine);
    const positions = await fill(table, 6);
    await table.log.purge(room);
    positions.push((await publish(table, 'p7', { payload })).entry.position);
    for (let index = 8; index <= 12; index += 1) {
      positions.push((await publish(table, `p${index}`, { payload })).entry.position);
    }
    const read = async (offset: number, maxEntries?: number) => {
      const request = { ...wide, ...(maxEntries !== undefined && { maxEntries }) };
      const after = positions[offset] as Position;
      const last = seen(await table.log.readBefore(request));
      return `${seen(await table.log.readAfter({ ...request, after }))}, ${last}`;
    };
    expect(await read(5)).toBe('trimmed, 7-12');
    expect(await read(6)).toBe('7-12, 7-12');
    expect(await read(8, 4)).toBe('9-12, 9-12');
    expect(await read(7, 4)).toBe('trimmed, 9-12');
    expect(await read(6, 10)).toBe('7-12, 7-12');
  });

  it('ends where the log is purged between its steps', async () => {
    await using table = await openTable(engine);
    await using other = await openTable(engine, { table: table.table });
    const [first] = await fill(table, 3);
    table.hooks.before = async (action) => {
      if (action !== 'Query') return;
      delete table.hooks.before;
      await other.log.purge(room);
    };
    const result = await table.log.readAfter({ ...wide, after: first as Position });
    expect(seen(result)).toBe('trimmed');
  });

  it('asks for few rows as long as it does not know how large payloads are', async () => {
    await using table = await openTable(engine);
    const [first] = await fill(table);
    const limitsOf = async (maxBytes: number, direction: 'after' | 'before', isKnown: boolean) => {
      await using reader = await openTable(engine, { table: table.table });
      const read = () =>
        direction === 'after'
          ? reader.log.readAfter({ ...wide, maxBytes, after: first as Position })
          : reader.log.readBefore({ ...wide, maxBytes });
      if (isKnown) await reader.log.readBefore(wide);
      const calls = await callsOf(reader, read);
      const queries = calls.filter(([action]) => action === 'Query');
      expect(queries.map(([, { ScanIndexForward }]) => ScanIndexForward)).toEqual(
        queries.map(() => (direction === 'after' ? undefined : false)),
      );
      return queries.map(([, { Limit }]) => Limit);
    };
    for (const direction of ['after', 'before'] as const) {
      expect(await limitsOf(1e6, direction, false)).toEqual([8, 64]);
      expect(await limitsOf(4 * 4_096, direction, false)).toEqual([4, 16, 80]);
      expect(await limitsOf(1_500, direction, false)).toEqual([2, 4, 10]);
      expect(await limitsOf(100, direction, false)).toEqual([2]);
      expect(await limitsOf(200, direction, false)).toEqual([2, 1]);
      expect(await limitsOf(1e6, direction, true)).toEqual([1_000]);
      expect(await limitsOf(1_000, direction, true)).toEqual([11]);
      expect(await limitsOf(999, direction, true)).toEqual([11]);
      expect(await limitsOf(0, direction, true)).toEqual([1, 1]);
    }
  });
});
