// Every order of the commands of two calls, and what is left when one of them goes wrong.
import { connectionStoreInterleavings } from '@gatecast/framework/testing';
import { afterAll, beforeAll, it } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { openStore } from './redis-records.js';

describeRedis('redisStore(), explored', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  // More runs find more orders: with 100 it takes about a minute.
  for (const { name, run } of connectionStoreInterleavings(
    async (step) => openStore({ client: interceptCommands(server.admin, step) }),
    { runs: 20 },
  )) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(`passes ${name}`, run);
  }
});
