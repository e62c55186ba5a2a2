import { memoryStore } from '@gatecast/framework';
import { connectionStoreContract } from '@gatecast/framework/testing';
import { describe, it } from 'vitest';

const makeStore = async () => ({
  connections: memoryStore().connections,
  async [Symbol.asyncDispose]() {},
});

describe('memoryStore()', () => {
  // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
  for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
});
