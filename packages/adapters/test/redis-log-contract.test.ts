// The published contract of a log, on Redis.
import { messageLogContract } from '@gatecast/framework/testing';
import { afterAll, beforeAll, it } from 'vitest';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { openStore } from './redis-records.js';

describeRedis('the log of redisStore()', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const makeStore = async ({ now }: { now: () => number }) => openStore({ url: server.url, now });
  // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
  for (const check of messageLogContract(makeStore)) it(check.name, check.run);
});
