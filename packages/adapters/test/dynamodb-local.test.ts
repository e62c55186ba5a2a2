import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { StoreError } from '@gatecast/framework';
import { sliceKey } from '@gatecast/framework/adapter';
import { connectionStoreContract } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DynamoDbLocal,
  isWithoutDynamoDbLocal,
  startDynamoDbLocal,
} from './engines/dynamodb-local.js';
import type { Engine } from './engines/engine.js';
import { startLatencyProxy } from './engines/latency-proxy.js';
import { connected, makeRecord, openTable, type TableUnderTest } from './table-under-test.js';

describe.skipIf(isWithoutDynamoDbLocal)('dynamoDbStore() on DynamoDB Local', () => {
  let engine: DynamoDbLocal;
  let far: Engine;
  beforeAll(async () => {
    engine = await startDynamoDbLocal();
    far = await startLatencyProxy(engine, 6);
  });
  afterAll(async () => {
    await far?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  // `npm test` runs the whole contract on dynalite, `npm run verify` on DynamoDB Local.
  const checks = connectionStoreContract(() => openTable(far), { subscribers: 60 });
  for (const { name, run } of checks.filter(({ name: check }) => /race/.test(check))) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(name, run);
  }

  it('pages 12,000 subscribers completely while others join and leave', async () => {
    await using table = await openTable(engine);
    const { connections } = table;
    const ids = Array.from(
      { length: 12_000 },
      (_, index) => `b${String(index).padStart(14, '0')}=`,
    );
    await fill(table, ids);
    const leaving = await Promise.all(around().map((over) => connected(table, ['rooms/42'], over)));
    const churn = (async () => {
      for (const [index, { connectionId }] of leaving.entries()) {
        await connections.disconnect(connectionId);
        await connected(table, ['rooms/42'], { connectionId: `b${index}-joined=` });
      }
    })();
    const found: string[] = [];
    let pages = 0;
    let after: string | undefined;
    do {
      const page = await connections.subscribers('rooms/42', after ? { after } : {});
      found.push(...page.items.map(({ connectionId }) => connectionId));
      after = page.next;
      pages += 1;
    } while (after !== undefined);
    await churn;
    expect(pages).toBeGreaterThan(1);
    expect(found).toEqual([...new Set(found)].sort(bySlice));
    const present = new Set(found);
    expect(ids.filter((id) => !present.has(id))).toEqual([]);
  });

  it('fails with a StoreError while DynamoDB is down, and works again afterwards', async () => {
    await using mortal = await startDynamoDbLocal();
    await using table = await openTable(mortal, { budgetMs: 10_000 });
    const { connections } = table;
    await connected(table, ['rooms/42']);
    const outcomes = Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => connected(table, [`rooms/${index}`])),
    );
    await mortal.kill();
    const failures = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(failures.length).toBeGreaterThan(0);
    for (const { reason } of failures as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(StoreError);
      expect((reason as StoreError).retryable).toBe(true);
    }
    await mortal.restart();
    await createTable({ table: table.table, client: table.client });
    const record = makeRecord();
    await connections.connect(record, ['rooms/42']);
    expect(await connections.get(record.connectionId)).toEqual(record);
  });
});

/** Connections whose keys are spread among those of the 12,000. */
function around(): readonly { readonly connectionId: string }[] {
  return Array.from({ length: 100 }, (_, index) => ({
    connectionId: `b${String(index * 120).padStart(14, '0')}~leaving=`,
  }));
}

function bySlice(a: string, b: string): number {
  return sliceKey(a) < sliceKey(b) ? -1 : 1;
}

/** Writes memberships like the store, but without connections. */
async function fill({ table, client, ...rest }: TableUnderTest, ids: string[]): Promise<void> {
  const model = await connected(rest, ['rooms/42'], { identityExpiresAt: 4e12 });
  const rows = await rest.rows();
  const item = rows.find(({ sk }) => sk?.S === sliceKey(model.connectionId));
  for (let start = 0; start < ids.length; start += 25) {
    const puts = ids
      .slice(start, start + 25)
      .map((id) => ({ PutRequest: { Item: { ...item, sk: { S: sliceKey(id) } } } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
  }
}
