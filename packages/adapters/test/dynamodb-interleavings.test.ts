// Runs concurrent operations on one connection, in some of the possible orders of their calls to
// DynamoDB. `npm run verify` tries many more, with lost answers and functions that die.
import { connectionStoreInterleavings } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openSteppedStores, type SteppedStores } from './dynamodb-stepped.js';

let stores: SteppedStores;
beforeAll(async () => {
  stores = await openSteppedStores();
});
afterAll(() => stores[Symbol.asyncDispose]());

describe('dynamoDbStore(), with concurrent operations', () => {
  const checks = connectionStoreInterleavings((step) => stores.make(step), { runs: 4 });
  for (const { name, run } of checks.filter(({ name: check }) =>
    check.includes('in every order'),
  )) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(name, run);
  }
});
