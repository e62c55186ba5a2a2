// Interrupts calls of the log in Redis at each of their commands, and runs several in many orders.
import { messageLogInterleavings } from '@gatecast/framework/testing';
import { afterAll, beforeAll, it } from 'vitest';
import * as scripts from '../src/redis/log/log-scripts.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { openStore } from './redis-records.js';
import { stepCommands } from './redis-stepped.js';

describeRedis('the log of redisStore(), interrupted and with concurrent calls', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
    // Loads the scripts first; otherwise the server would answer the first use of each with NOSCRIPT.
    for (const script of Object.values(scripts)) {
      if (typeof script === 'object') await server.admin.script('LOAD', script.lua);
    }
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const checks = messageLogInterleavings(
    async ({ step, now }) => {
      const stepping = stepCommands(step);
      const store = openStore({ url: server.url, commandTimeoutMs: 60_000, now });
      return {
        log: store.log,
        async [Symbol.asyncDispose]() {
          stepping[Symbol.dispose]();
          await store[Symbol.asyncDispose]();
        },
      };
    },
    { runs: 20 },
  );
  // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
  for (const { name, run } of checks) it(name, run);
});
