import { inspect } from 'node:util';
import { type RedisStoreOptions, redisStore } from '@gatecast/adapters/redis';
import {
  type ConnectionRecord,
  type ConnectionStore,
  type MessageLog,
  StoreError,
  type SubscribeResult,
  type Subscriber,
} from '@gatecast/framework';
import { sliceKey } from '@gatecast/framework/adapter';
import type { Redis } from 'ioredis';

/** The framework's limits for one connection. */
export const LIMITS = { maxChannels: 200, maxBytes: 16_384 };

let prefixes = 0;

/** A store with its own key prefix, and helpers to read its keys. */
export function openStore(options: RedisStoreOptions = {}) {
  prefixes += 1;
  const keyPrefix = `test${process.pid}-${prefixes}:`;
  const store = redisStore({ keyPrefix, ...options });
  return {
    connections: store.connections,
    log: store.log as MessageLog,
    keyPrefix,
    /** All keys of connections and channels, without the prefix, sorted. */
    async keys(admin: Redis): Promise<string[]> {
      const found: string[] = [];
      for (const key of await admin.keys(`${keyPrefix}[cs]:*`)) {
        // The row of an ended connection is kept for some seconds, in case an answer is lost.
        const isEnded = /[cs]:/.exec(key)?.[0] === 'c:' && !(await hasConnection(admin, key));
        if (!isEnded || (await admin.pttl(key)) > 10_000) found.push(key.slice(keyPrefix.length));
      }
      return found.sort();
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function hasConnection(admin: Redis, key: string): Promise<boolean> {
  return (await admin.hexists(key, 'details')) === 1;
}

/** Subscribes a connection to one channel. */
export async function subscribe(
  connections: ConnectionStore,
  connectionId: string,
  channel: string,
): Promise<SubscribeResult | undefined> {
  const [result] = await connections.subscribe(connectionId, [channel], LIMITS);
  return result;
}

/** Ends one subscription. */
export async function unsubscribe(
  connections: ConnectionStore,
  connectionId: string,
  channel: string,
): Promise<boolean | undefined> {
  const [wasSubscribed] = await connections.unsubscribe(connectionId, [channel]);
  return wasSubscribed;
}

/** Ids in the order in which the store returns subscribers. */
export function inSliceOrder(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => (sliceKey(a) < sliceKey(b) ? -1 : 1));
}

/** The record of a connection. */
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

/** The error of a call. A call that succeeds fails the test. */
export async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw new Error(`Not a StoreError: ${inspect(error)}`);
  return error;
}
