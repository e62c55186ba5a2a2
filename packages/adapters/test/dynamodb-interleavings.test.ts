// What calls for one connection do to each other, each call to DynamoDB being one step.
import {
  connectionStoreInterleavings,
  type Step,
  type StoreUnderTest,
} from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { storeOver } from '../src/dynamodb/dynamo-db-store.js';
import type { DynamoDbPort } from '../src/dynamodb/port.js';
import type { Engine } from './engines/engine.js';
import { plainPort } from './engines/plain-port.js';
import { startDynalite } from './engines/start-dynalite.js';
import { openTable, type TableUnderTest } from './table-under-test.js';

let engine: Engine;
let table: TableUnderTest;
let plain: ReturnType<typeof plainPort>;
beforeAll(async () => {
  engine = await startDynalite();
  table = await openTable(engine);
  plain = plainPort(engine.endpoint);
});
afterAll(async () => {
  plain[Symbol.dispose]();
  await table[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/** Calls wait for each other here, so they may take long. */
const BUDGET_MS = 600_000;

/** A store on the one table: the checks use ids and channels of their own. */
async function makeStore(step: Step): Promise<StoreUnderTest> {
  const port: DynamoDbPort = {
    call: (operation, input, limit) => step(() => plain.call(operation, input, limit)),
  };
  const access = async () => ({ port, region: 'us-east-1' });
  const { connections } = storeOver(access, { table: table.table, budgetMs: BUDGET_MS });
  return { connections, async [Symbol.asyncDispose]() {} };
}

describe('dynamoDbStore(), every call to DynamoDB being one step', () => {
  for (const { name, run } of connectionStoreInterleavings(makeStore, { runs: 10 })) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(name, run);
  }
});
