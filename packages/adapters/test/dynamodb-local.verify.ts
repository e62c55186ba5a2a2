// The whole contracts on DynamoDB Local: of connections with 6 ms of latency, and of the log.
import { connectionStoreContract, messageLogContract } from '@gatecast/framework/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  type DynamoDbLocal,
  isWithoutDynamoDbLocal,
  startDynamoDbLocal,
} from './engines/dynamodb-local.js';
import type { Engine } from './engines/engine.js';
import { startLatencyProxy } from './engines/latency-proxy.js';
import { openTable } from './table-under-test.js';

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

  for (const { name, run } of connectionStoreContract(() => openTable(far))) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(name, run);
  }

  for (const { name, run } of messageLogContract(({ now }) => openTable(engine, { now }))) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(`log: ${name}`, run, 600_000);
  }
});
