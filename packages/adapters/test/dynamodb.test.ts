import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { iamActions, tableDefinition } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { sliceKey, sliceOf } from '@gatecast/framework/adapter';
import { connectionStoreContract } from '@gatecast/framework/testing';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { publish } from './log-under-test.js';
import { shuffleCalls } from './shuffle-calls.js';
import { connected, openTable } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

describe('dynamoDbStore() on dynalite', () => {
  const used = new Set<string>();
  const makeStore = async () => {
    const table = await openTable(engine);
    table.hooks.before = (action) => used.add(`dynamodb:${action}`);
    return table;
  };
  // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
  for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);

  it('calls exactly the actions that iamActions lists in all tests above, and to publish', async () => {
    await using table = await makeStore();
    await publish(table, 'p');
    expect([...used].sort()).toEqual([...iamActions].sort());
  });
});

describe('dynamoDbStore() when its calls run in a random order', () => {
  for (const seed of [1, 2]) {
    const makeStore = async () => {
      const table = await openTable(engine);
      shuffleCalls(table, seed);
      return table;
    };
    const checks = connectionStoreContract(makeStore, { seed });
    for (const check of checks.filter(({ name }) => /race/.test(name))) {
      // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
      it(`${check.name} (seed ${seed})`, check.run);
    }
  }
});

describe('dynamoDbStore()', () => {
  it('hides what has expired before DynamoDB deletes it', async () => {
    let now = Date.now();
    await using table = await openTable(engine, { now: () => now });
    const old = await connected(table, ['rooms/42']);
    now = old.expiresAt;
    const { connections } = table;
    expect(await connections.get(old.connectionId)).toBeUndefined();
    expect(await connections.channels(old.connectionId)).toEqual([]);
    expect((await connections.subscribers('rooms/42')).items).toEqual([]);
    expect(await table.rows()).toHaveLength(2);
    expect(await connections.disconnect(old.connectionId)).toBeUndefined();
    expect(await table.rows()).toEqual([]);
  });

  it('gives every row the second from which DynamoDB may delete it', async () => {
    await using table = await openTable(engine);
    await connected(table, ['rooms/42'], { expiresAt: 4_000_000_000_001 });
    const { AttributeName } = tableDefinition.TimeToLiveSpecification;
    const rows = await table.rows();
    expect(rows.map((row) => row[AttributeName])).toEqual([
      { N: '4000000001' },
      { N: '4000000001' },
    ]);
  });

  it('reads a range as empty if its ends are reversed or the previous page ended behind it', async () => {
    await using table = await openTable(engine);
    const { connectionId } = await connected(table, ['rooms/42']);
    const { connections } = table;
    const slice = sliceOf(connectionId);
    for (const range of [
      { from: 0.6, to: 0.4 },
      { from: 0.5, to: 0.5 },
      { from: 1 },
      { to: 0 },
      { to: slice, after: sliceKey(connectionId) },
      { after: sliceKey(connectionId) },
    ]) {
      expect(await connections.subscribers('rooms/42', range)).toEqual({ items: [] });
    }
    // A cursor before the start of the range does not extend the range.
    const range = { from: slice, after: '0' };
    expect((await connections.subscribers('rooms/42', range)).items).toHaveLength(1);
  });

  it('ends with a full page if no subscriber follows', async () => {
    await using table = await openTable(engine);
    for (let index = 0; index < 4; index += 1) await connected(table, ['rooms/42']);
    const first = await table.connections.subscribers('rooms/42', { limit: 2 });
    expect(first.items).toHaveLength(2);
    const after = first.next ?? '';
    const last = await table.connections.subscribers('rooms/42', { limit: 2, after });
    expect(last.items).toHaveLength(2);
    expect(last.next).toBeUndefined();
  });

  it('imports the AWS SDK by name and never by import(), nor node:http', async () => {
    for (const name of ['dynamodb', 'dynamodb/create-table']) {
      const { metafile } = await build({
        entryPoints: [fileURLToPath(import.meta.resolve(`@gatecast/adapters/${name}`))],
        bundle: true,
        format: 'esm',
        packages: 'external',
        outdir: 'unwritten',
        write: false,
        metafile: true,
      });
      const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
      expect(imports.filter(({ kind }) => kind !== 'import-statement')).toEqual([]);
      expect(imports.map(({ path }) => path)).not.toContain('node:http');
    }
  });

  it('has a page of documentation with the same actions, keys and time to live', async () => {
    const page = await readFile(new URL('../../../docs/stores.md', import.meta.url), 'utf8');
    expect(page.match(/"dynamodb:\w+"/g)).toEqual(iamActions.map((action) => `"${action}"`));
    const { KeySchema, TimeToLiveSpecification } = tableDefinition;
    for (const { AttributeName, KeyType } of KeySchema) {
      expect(page).toContain(`AttributeName=${AttributeName},KeyType=${KeyType}`);
    }
    expect(page).toContain(`AttributeName=${TimeToLiveSpecification.AttributeName},Enabled=true`);
  });

  it('L1 takes every release of the AWS client that its page names', async () => {
    const [page, manifest] = await Promise.all(
      ['../../../docs/stores.md', '../package.json'].map((path) =>
        readFile(new URL(path, import.meta.url), 'utf8'),
      ),
    );
    expect(manifest).toContain('"@aws-sdk/client-dynamodb": "^3.521.0"');
    expect(page).toContain('from 3.521 on');
  });

  it('has a table that is created once and found the second time', async () => {
    await using table = await openTable(engine);
    const { client } = table;
    await expect(createTable({ table: table.table, client })).resolves.toBeUndefined();
    const { Table } = await table.client.send(new DescribeTableCommand({ TableName: table.table }));
    expect(Table).toMatchObject({
      KeySchema: tableDefinition.KeySchema,
      AttributeDefinitions: tableDefinition.AttributeDefinitions,
      BillingModeSummary: { BillingMode: tableDefinition.BillingMode },
    });
  });
});
