import type { LogUnderTest, Step, StoreUnderTest } from '@gatecast/framework/testing';
import { storeOver } from '../src/dynamodb/dynamo-db-store.js';
import type { DynamoDbPort } from '../src/dynamodb/port.js';
import { plainPort } from './engines/plain-port.js';
import { startDynalite } from './engines/start-dynalite.js';
import { openTable } from './table-under-test.js';

/** Calls wait for each other here, so they may take a long time. */
const BUDGET_MS = 600_000;

/** Makes stores on one table whose calls to DynamoDB pass through `step` one by one. */
export interface SteppedStores extends AsyncDisposable {
  /** The stores may share the table, because each check uses its own ids and channels. */
  make(step: Step, now?: () => number): Promise<StoreUnderTest & LogUnderTest>;
}

/** Starts a dynalite with one table. */
export async function openSteppedStores(): Promise<SteppedStores> {
  const engine = await startDynalite();
  const table = await openTable(engine);
  const plain = plainPort(engine.endpoint);
  return {
    async make(step, now = Date.now) {
      const port: DynamoDbPort = {
        call: (operation, input, limit) => step(() => plain.call(operation, input, limit)),
      };
      const access = async () => ({ port, region: 'us-east-1' });
      const store = storeOver(access, { table: table.table, budgetMs: BUDGET_MS, now });
      return { ...store, async [Symbol.asyncDispose]() {} };
    },
    async [Symbol.asyncDispose]() {
      plain[Symbol.dispose]();
      await table[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}
