// Runs two calls in every order of their commands, and checks the keys if one of them fails.
import { connectionStoreInterleavings, type Step } from '@gatecast/framework/testing';
import { afterAll, beforeAll, it } from 'vitest';
import * as scripts from '../src/redis/scripts.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { openStore } from './redis-records.js';
import { stepCommands } from './redis-stepped.js';

describeRedis('redisStore(), explored', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
    // Loads the scripts first; otherwise the server would answer the first use of each with NOSCRIPT.
    for (const script of Object.values(scripts)) {
      if (typeof script === 'object') await server.admin.script('LOAD', script.lua);
    }
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const make = async (step: Step) => {
    const stepping = stepCommands(step);
    const store = openStore({ url: server.url, commandTimeoutMs: 60_000 });
    return {
      connections: store.connections,
      async [Symbol.asyncDispose]() {
        stepping[Symbol.dispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  };
  for (const { name, run } of connectionStoreInterleavings(make, { runs: 6 })) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(`passes ${name}`, run);
  }
});
