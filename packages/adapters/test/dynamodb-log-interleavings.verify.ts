// Interrupts calls of the log at each of their calls to DynamoDB, and runs several in many orders.
import { messageLogInterleavings } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openSteppedStores, type SteppedStores } from './dynamodb-stepped.js';

let stores: SteppedStores;
beforeAll(async () => {
  stores = await openSteppedStores();
});
afterAll(() => stores[Symbol.asyncDispose]());

describe('the log of dynamoDbStore(), interrupted and with concurrent calls', () => {
  const checks = messageLogInterleavings(({ step, now }) => stores.make(step, now), { runs: 6 });
  // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
  for (const { name, run } of checks) it(name, run);
});
