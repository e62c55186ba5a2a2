// Runs concurrent operations on one connection, in many orders of their calls to DynamoDB.
import { connectionStoreInterleavings } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openSteppedStores, type SteppedStores } from './dynamodb-stepped.js';

let stores: SteppedStores;
beforeAll(async () => {
  stores = await openSteppedStores();
});
afterAll(() => stores[Symbol.asyncDispose]());

describe('dynamoDbStore(), with concurrent operations', () => {
  const checks = connectionStoreInterleavings((step) => stores.make(step), { runs: 30 });
  for (const { name, run } of checks) {
    // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- the checks assert by themselves.
    it(name, run);
  }
});
