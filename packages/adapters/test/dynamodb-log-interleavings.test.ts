// Interrupts publishes at each of their calls to DynamoDB. `npm run verify` also runs several calls at once
// with lost answers and functions that die.
import { messageLogInterleavings } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openSteppedStores, type SteppedStores } from './dynamodb-stepped.js';

let stores: SteppedStores;
beforeAll(async () => {
  stores = await openSteppedStores();
});
afterAll(() => stores[Symbol.asyncDispose]());

describe('the log of dynamoDbStore(), interrupted', () => {
  const checks = messageLogInterleavings(({ step, now }) => stores.make(step, now), { runs: 2 });
  const some = /^a publish(, when| and its repeat, in| and a read, in|.* is aborted)|^a call/;
  for (const { name, run } of checks.filter((check) => some.test(check.name))) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(name, run);
  }
});
