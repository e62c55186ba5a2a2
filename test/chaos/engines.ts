import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { startDynaliteProcess } from '../../packages/adapters/test/engines/dynalite-process.js';
import { startDynamoDbLocal } from '../../packages/adapters/test/engines/dynamodb-local.js';
import { RedisServer } from '../../packages/adapters/test/engines/redis-server.js';

export const STORES = ['dynalite', 'dynamodb-local', 'redis'] as const;
export type StoreName = (typeof STORES)[number];

/** A database that keeps what it has acknowledged when it is killed. */
export interface Database extends AsyncDisposable {
  /** The file of the app, within `app/`. */
  readonly entry: string;
  /** What the functions have to know of it. */
  readonly environment: Readonly<Record<string, string>>;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const TABLE = 'chaos';
// The SDK warns that it will drop Node 20, but Gatecast supports it.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
/** Only processes are killed, so files in memory are as good, and DynamoDB Local is ten times as fast. */
const SHARED_MEMORY = '/dev/shm';

/** Starts a database that is empty. */
export async function startDatabase(store: StoreName): Promise<Database> {
  if (store === 'redis') return startRedis();
  const place = existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir();
  const directory = mkdtempSync(join(place, 'gatecast-chaos-'));
  const engine = await (store === 'dynalite'
    ? startDynaliteProcess(directory)
    : startDynamoDbLocal({ directory }));
  const { endpoint } = engine;
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  await createTable({ table: TABLE, client });
  client.destroy();
  return {
    entry: 'on-dynamodb.ts',
    environment: { AWS_ENDPOINT_URL_DYNAMODB: endpoint, GATECAST_TABLE: TABLE },
    kill: () => engine.kill(),
    restart: () => engine.restart(),
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function startRedis(): Promise<Database> {
  const server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  return {
    entry: 'on-redis.ts',
    environment: { GATECAST_REDIS_URL: server.url },
    kill: () => server.kill(),
    restart: () => server.startAgain(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
