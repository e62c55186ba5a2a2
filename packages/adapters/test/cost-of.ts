import type { TableUnderTest } from './table-under-test.js';

/** What some work on a table costs. */
export interface Cost {
  readonly calls: readonly string[];
  readonly writeUnits: number;
  readonly readUnits: number;
}

/** The calls of some work on a table, and the capacity that it takes. */
export async function costOf(
  { calls, hooks }: TableUnderTest,
  run: () => Promise<unknown>,
): Promise<Cost> {
  const units = { write: 0, read: 0 };
  hooks.before = (_action, input) => {
    input['ReturnConsumedCapacity'] = 'TOTAL';
  };
  hooks.after = (action, output) => {
    const kind = /Get|Query/.test(action) ? 'read' : 'write';
    const used = [output['ConsumedCapacity'] ?? []].flat() as { CapacityUnits?: number }[];
    for (const { CapacityUnits = 0 } of used) units[kind] += CapacityUnits;
  };
  calls.length = 0;
  await run();
  delete hooks.before;
  delete hooks.after;
  return { calls: [...calls], writeUnits: units.write, readUnits: units.read };
}
