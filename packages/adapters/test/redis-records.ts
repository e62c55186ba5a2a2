import { inspect } from 'node:util';
import { type RedisStoreOptions, redisStore } from '@gatecast/adapters/redis';
import {
  type ConnectionRecord,
  type ConnectionStore,
  StoreError,
  type Subscriber,
} from '@gatecast/framework';
import type { Redis } from 'ioredis';

let prefixes = 0;

/** A store with keys of its own, and a look at all of them. */
export function openStore(options: RedisStoreOptions = {}) {
  prefixes += 1;
  const keyPrefix = `test${process.pid}-${prefixes}:`;
  const store = redisStore({ keyPrefix, ...options });
  return {
    connections: store.connections,
    keyPrefix,
    /** Every key of the store, without its prefix, in order. */
    async keys(admin: Redis): Promise<string[]> {
      const keys = await admin.keys(`${keyPrefix}*`);
      return keys.map((key) => key.slice(keyPrefix.length)).sort();
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** A connection as the framework keeps it. */
export function recordOf(
  connectionId: string,
  over: Partial<ConnectionRecord> = {},
): ConnectionRecord {
  const now = Date.now();
  return {
    connectionId,
    apiId: 'abcde12345',
    stage: 'dev',
    region: 'us-east-1',
    connectedAt: now,
    expiresAt: now + 8_100_000,
    ...over,
  };
}

/** All subscribers of a channel, page by page. */
export async function everySubscriber(
  connections: ConnectionStore,
  channel: string,
  limit?: number,
): Promise<string[]> {
  const all: Subscriber[] = [];
  let after: string | undefined;
  do {
    const page = await connections.subscribers(channel, {
      ...(limit !== undefined && { limit }),
      ...(after !== undefined && { after }),
    });
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all.map(({ connectionId }) => connectionId);
}

/** What a call fails with; a call that works fails the test. */
export async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw new Error(`Not a StoreError: ${inspect(error)}`);
  return error;
}
