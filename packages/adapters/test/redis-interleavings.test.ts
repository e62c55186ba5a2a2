// Runs two calls in every order of their commands, and checks the keys if one of them fails.
import { connectionStoreInterleavings, type Step } from '@gatecast/framework/testing';
import { type Command, Redis } from 'ioredis';
import { afterAll, beforeAll, it, vi } from 'vitest';
import * as scripts from '../src/redis/scripts.js';
import { COMMANDS } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { openStore } from './redis-records.js';

/**
 * Passes each command of a store through `step`. The store creates its own clients, because it does not
 * retry with a client that it was given.
 */
function stepCommands(step: Step): Disposable {
  const send: unknown = Reflect.get(Redis.prototype, 'sendCommand');
  if (typeof send !== 'function')
    throw new Error('This version of the client sends its commands differently.');
  return vi.spyOn(Redis.prototype, 'sendCommand').mockImplementation(async function (
    this: Redis,
    command: Command,
  ) {
    const call = async (): Promise<unknown> => send.call(this, command);
    if (!COMMANDS.has(command.name)) return call();
    return step(call).catch((error: unknown) => {
      const isLost = error instanceof Error && error.name === 'TimeoutError';
      // The error of ioredis for a command that was running when its connection broke.
      throw isLost ? new Error('Connection is closed.', { cause: error }) : error;
    });
  });
}

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
