import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { iamActions, tableDefinition } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { connectionStoreContract } from '@gatecast/framework/testing';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { shuffleCalls } from './shuffle-calls.js';
import { connected, makeRecord, openTable } from './table-under-test.js';

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

  it('calls exactly the actions that iamActions lists, in all of the above', () => {
    expect([...used].sort()).toEqual([...iamActions].sort());
  });
});

describe('dynamoDbStore() when its calls are drawn at random', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
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

describe('what dynamoDbStore() costs', () => {
  it('is one write to connect, and for channels one batch and one read', async () => {
    await using table = await openTable(engine);
    await table.connections.connect(makeRecord(), []);
    expect(table.calls.splice(0)).toEqual(['UpdateItem']);
    await table.connections.connect(makeRecord(), ['announcements', 'users/ann']);
    expect(table.calls).toEqual(['UpdateItem', 'BatchWriteItem', 'GetItem']);
    expect(await table.rows()).toHaveLength(4);
  });

  it('is two writes and one read to subscribe and to unsubscribe', async () => {
    await using table = await openTable(engine);
    const { connectionId } = await connected(table);
    table.calls.length = 0;
    await table.connections.subscribe(connectionId, 'rooms/42', 200);
    expect(table.calls.splice(0)).toEqual(['UpdateItem', 'PutItem', 'GetItem']);
    await table.connections.unsubscribe(connectionId, 'rooms/42');
    expect(table.calls).toEqual(['DeleteItem', 'UpdateItem', 'GetItem']);
  });

  it('is two writes to disconnect, and a batch for every 25 channels', async () => {
    await using table = await openTable(engine);
    const channels = Array.from({ length: 30 }, (_, index) => `rooms/${index}`);
    const { connectionId } = await connected(table, channels);
    table.calls.length = 0;
    await table.connections.disconnect(connectionId);
    expect(table.calls).toEqual(['UpdateItem', 'BatchWriteItem', 'BatchWriteItem', 'DeleteItem']);
    expect(await table.rows()).toEqual([]);
  });

  it('is one query for the subscribers of a channel, of small rows', async () => {
    await using table = await openTable(engine);
    await connected(table, ['rooms/42'], { identityExpiresAt: 4e12, userId: 'ann' });
    table.calls.length = 0;
    await table.connections.subscribers('rooms/42');
    expect(table.calls).toEqual(['Query']);
    const rows = await table.rows();
    const membership = rows.find(({ pk }) => pk?.S === 'S#rooms/42#0') ?? {};
    // Names count, and numbers take a byte for two digits and two more (DynamoDB, "Item sizes").
    const bytes = Object.entries(membership).map(
      ([name, { S, N }]) => name.length + (S?.length ?? Math.ceil((N?.length ?? 0) / 2) + 2),
    );
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(200);
  });

  it('is one batch to prune the memberships of 25 connections', async () => {
    await using table = await openTable(engine);
    const all = await Promise.all(Array.from({ length: 25 }, () => connected(table, ['rooms/42'])));
    table.calls.length = 0;
    await table.connections.prune(all.map(({ connectionId }) => connectionId));
    expect(table.calls.filter((action) => action === 'BatchWriteItem')).toHaveLength(1);
    expect(table.calls).toHaveLength(51);
    expect(await table.rows()).toEqual([]);
  });
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
    expect(await connections.disconnect(old.connectionId)).toEqual([]);
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

  it('forgets what a second $connect of the same connection does not say', async () => {
    await using table = await openTable(engine);
    const first = await connected(table, ['rooms/42'], { userId: 'ann' });
    const { userId: _, ...second } = first;
    await table.connections.connect(second, []);
    expect(await table.connections.get(first.connectionId)).toEqual(second);
    expect(await table.connections.channels(first.connectionId)).toEqual(['rooms/42']);
  });

  it('reads ranges whose ends are the wrong way round, or behind the page before, as empty', async () => {
    await using table = await openTable(engine);
    await connected(table, ['rooms/42']);
    const { connections } = table;
    for (const range of [{ from: 'b', to: 'a' }, { after: 'b', to: 'a' }, { to: '' }]) {
      expect(await connections.subscribers('rooms/42', range)).toEqual({ items: [] });
    }
    expect(
      (await connections.subscribers('rooms/42', { from: 'A', after: '0' })).items,
    ).toHaveLength(1);
  });

  it('loads the AWS SDK at the first call only, so that `gatecast routes` needs none', async () => {
    const { metafile } = await build({
      entryPoints: [fileURLToPath(import.meta.resolve('@gatecast/adapters/dynamodb'))],
      bundle: true,
      splitting: true,
      format: 'esm',
      packages: 'external',
      outdir: 'unwritten',
      write: false,
      metafile: true,
    });
    const outputs = Object.values(metafile.outputs);
    const imported = (output: (typeof outputs)[number]): string[] =>
      output.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path);
    const loaded = outputs.filter(({ entryPoint }) => entryPoint?.endsWith('index.js'));
    const all = new Set(loaded);
    for (const output of all) {
      for (const path of imported(output)) {
        const chunk = metafile.outputs[path];
        if (chunk) all.add(chunk);
      }
    }
    const packages = [...all].flatMap(imported).filter((path) => !(path in metafile.outputs));
    expect(new Set(packages)).toEqual(new Set(['@gatecast/framework', 'node:crypto', 'node:util']));
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

  it('has a table that is created once and found the second time', async () => {
    await using table = await openTable(engine);
    await expect(createTable(table)).resolves.toBeUndefined();
    const { Table } = await table.client.send(new DescribeTableCommand({ TableName: table.table }));
    expect(Table).toMatchObject({
      KeySchema: tableDefinition.KeySchema,
      AttributeDefinitions: tableDefinition.AttributeDefinitions,
      BillingModeSummary: { BillingMode: tableDefinition.BillingMode },
    });
  });
});
