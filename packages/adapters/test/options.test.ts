import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { redisStore } from '@gatecast/adapters/redis';
import { ConfigurationError } from '@gatecast/framework';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { makeTestClient } from './table-under-test.js';

/** The error of creating a store with wrong options. */
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
      'Use one of: table, keyPrefix, generation, client, endpoint, budgetMs, now.',
    ],
    [
      () => redisStore({ ur: 'redis://cache:6379' } as never),
      'redisStore() was given the unknown option "ur".',
      'Use one of: url, cluster, client, keyPrefix, commandTimeoutMs, now.',
    ],
  ])('are refused if they are unknown', (make, message, hint) => {
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
  ])('are refused if they exclude each other', (make, message) => {
    const hint = 'Keep one of them.';
    expect(refusalOf(make)).toMatchObject({ code: 'ERR_OPTION_CONFLICT', message, hint });
  });

  const milliseconds = 'a number of milliseconds from 1 to 2,147,483,647';
  it.each([
    [{ budgetMs: Number.NaN }, 'NaN as "budgetMs"', milliseconds],
    [{ budgetMs: '5000' }, '"5000" as "budgetMs"', milliseconds],
    [{ budgetMs: -1 }, '-1 as "budgetMs"', milliseconds],
    [{ budgetMs: 2 ** 31 }, '2147483648 as "budgetMs"', milliseconds],
    [{ table: '' }, '"" as "table"', 'a non-empty string'],
    [{ keyPrefix: 5 }, '5 as "keyPrefix"', 'a non-empty string'],
    [{ generation: '2#' }, '"2#" as "generation"', 'a non-empty string without #'],
    [{ client: {} }, 'an object as "client"', 'a DynamoDBClient'],
    [{ endpoint: 'localhost:8000' }, '"localhost:8000" as "endpoint"', 'a URL that begins with'],
    [{ now: 0 }, '0 as "now"', 'a function'],
  ])(
    'K2 of dynamoDbStore() are refused with values that cannot work: %j',
    (options, given, takes) => {
      expect(refusalOf(() => dynamoDbStore(options as never))).toMatchObject({
        code: 'ERR_OPTION_VALUE',
        message: `dynamoDbStore() was given ${given}.`,
        hint: expect.stringContaining(`It takes ${takes}`),
      });
    },
  );

  it('K1 of createTable() are refused if they are unknown', async () => {
    const options = { table: 'chat', client: dynamoDb, billingMod: 'x' } as never;
    await expect(createTable(options)).rejects.toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
      message: 'createTable() was given the unknown option "billingMod".',
    });
  });

  it('may be undefined', async () => {
    const missing = process.env['THIS_IS_NOT_SET'] as string;
    await using store = redisStore({ url: missing, cluster: url });
    expect(store.name).toBe('redis');
    expect(dynamoDbStore({ endpoint: missing, client: dynamoDb }).name).toBe('dynamodb');
  });
});
