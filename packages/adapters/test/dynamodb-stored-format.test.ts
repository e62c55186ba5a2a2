// Rows that earlier versions have written. A change of their format needs a fixture of its own: CONTRIBUTING.md.
import { type AttributeValue, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { StoreError } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import {
  expectToServeConnections,
  expectToServeLogs,
  type Interrupt,
  NOW,
  saveStoredFormat,
  storedFormats,
  writeEverything,
} from './stored-format.js';
import { openTable, type TableUnderTest } from './table-under-test.js';

type Row = Readonly<Record<string, AttributeValue>>;

const ACTIONS = { 'removal of memberships': 'BatchWriteItem', append: 'UpdateItem' };
const now = () => NOW;

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

const storeOn = ({ connections, log }: TableUnderTest) => ({ name: 'dynamodb', connections, log });

function interruptCalls({ hooks }: TableUnderTest): Interrupt {
  return async (step, operation) => {
    hooks.before = (action) => {
      if (action === ACTIONS[step]) throw new Error('The environment has ended.');
    };
    await expect(operation()).rejects.toThrow(StoreError);
    delete hooks.before;
  };
}

/** Writes rows of every kind, and returns them by their keys. */
async function write() {
  await using table = await openTable(engine, { now });
  const logs = await writeEverything(storeOn(table), interruptCalls(table));
  const rows = await table.rows();
  return { ...logs, rows: rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) };
}

function keyOf({ pk, sk }: Row): string {
  // The epoch of a log is random.
  return `${pk?.S} ${sk?.S}`.replace(/^(L#[^#]+#)[\w-]{12}#/, '$1EPOCH#');
}

/** The type of an attribute; of a map, the lengths of its keys, too. */
function typeOf(value: AttributeValue): string {
  const types = Object.entries(value.M ?? {}).map(([key, one]) => `${key.length}: ${typeOf(one)}`);
  return [...Object.keys(value), ...new Set(types)].join(' ');
}

/** The names of attributes with their types, by the keys of the rows. */
function shapeOf(rows: readonly Row[]) {
  const shape = (row: Row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeOf(value)]));
  return Object.fromEntries(rows.map((row) => [keyOf(row), shape(row)]));
}

describe('rows in DynamoDB', () => {
  it('have the format of the newest fixture', async () => {
    const written = await write();
    saveStoredFormat('dynamodb', written);
    const [, newest] = storedFormats<readonly Row[]>('dynamodb').at(-1) ?? [];
    expect(shapeOf(written.rows)).toEqual(shapeOf(newest?.rows ?? []));
  });

  // oxlint-disable-next-line vitest/expect-expect -- the called functions assert.
  it.each(storedFormats<readonly Row[]>('dynamodb'))(
    'are served, also with attributes of a later version: %s',
    async (_name, { rows, ...logs }) => {
      for (const later of [{}, { later: { S: 'unknown' } }]) {
        await using table = await openTable(engine, { now });
        for (const row of rows) {
          const Item = { ...row, ...later };
          await table.client.send(new PutItemCommand({ TableName: table.table, Item }));
        }
        await expectToServeLogs(storeOn(table), logs);
        await expectToServeConnections(storeOn(table));
      }
    },
  );
});
