import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { redisStore } from '@gatecast/adapters/redis';
import { ConfigurationError } from '@gatecast/framework';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { makeTestClient } from './table-under-test.js';

/** What a store refuses its options with, where it is made. */
function refusalOf(make: () => unknown): ConfigurationError {
  try {
    make();
  } catch (error) {
    if (ConfigurationError.is(error)) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('the options of a store', () => {
  it.each([
    [
      () => dynamoDbStore({ tabel: 'chat' } as never),
      'dynamoDbStore() was given the unknown option "tabel".',
      'Use one of: table, client, endpoint, budgetMs, now.',
    ],
    [
      () => redisStore({ ur: 'redis://cache:6379' } as never),
      'redisStore() was given the unknown option "ur".',
      'Use one of: url, cluster, client, keyPrefix, commandTimeoutMs, now.',
    ],
  ])('are refused where nobody reads them', (make, message, hint) => {
    expect(refusalOf(make)).toMatchObject({ code: 'ERR_OPTION_UNKNOWN', message, hint });
  });

  const url = 'redis://:hush@cache:6379';
  const redis = new Redis({ lazyConnect: true });
  const dynamoDb = makeTestClient('http://localhost:8000');
  it.each([
    [() => redisStore({ url, cluster: url }), 'redisStore() was given both "url" and "cluster".'],
    [
      () => redisStore({ cluster: [url], client: redis }),
      'redisStore() was given both "cluster" and "client".',
    ],
    [() => redisStore({ url, client: redis }), 'redisStore() was given both "url" and "client".'],
    [
      () => dynamoDbStore({ client: dynamoDb, endpoint: 'http://localhost:8000' }),
      'dynamoDbStore() was given both "client" and "endpoint".',
    ],
  ])('are refused where they name two servers', (make, message) => {
    const hint = 'Keep one of them.';
    expect(refusalOf(make)).toMatchObject({ code: 'ERR_OPTION_CONFLICT', message, hint });
  });

  it('may be there without a value', async () => {
    const missing = process.env['THIS_IS_NOT_SET'] as string;
    await using store = redisStore({ url: missing, cluster: url });
    expect(store.name).toBe('redis');
    expect(dynamoDbStore({ endpoint: missing, client: dynamoDb }).name).toBe('dynamodb');
  });
});
