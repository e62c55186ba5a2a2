import { fileURLToPath } from 'node:url';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { redisStore } from '@gatecast/adapters/redis';
import type { Store } from '@gatecast/framework';
import { RedisServer } from '../packages/adapters/test/engines/redis-server.js';
import { startDynalite } from '../packages/adapters/test/engines/start-dynalite.js';
import { openTable } from '../packages/adapters/test/table-under-test.js';

/** A table or a server that several functions use. */
export interface Shared extends AsyncDisposable {
  /** The app of a folder in `fixtures` that is on this store. */
  entryOf(fixture: string): string;
  readonly environment: Readonly<Record<string, string>>;
  /** The store of the functions, to check it from the test. */
  open(options?: { readonly keyPrefix: string }): Store;
}

const entryOn = (store: string) => (fixture: string) =>
  fileURLToPath(new URL(`fixtures/${fixture}/on-${store}.ts`, import.meta.url));

export async function shareTable(): Promise<Shared> {
  const engine = await startDynalite();
  const { table, client, ...opened } = await openTable(engine);
  return {
    entryOf: entryOn('dynamodb'),
    environment: { AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint, GATECAST_TABLE: table },
    open: (options) => dynamoDbStore({ table, client, ...options }),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

export async function shareRedis(): Promise<Shared> {
  const server = await RedisServer.start();
  const client = server.admin;
  return {
    entryOf: entryOn('redis'),
    environment: { GATECAST_REDIS_URL: server.url },
    open: (options) => redisStore({ client, ...options }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
