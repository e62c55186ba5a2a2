import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { apiDefaults } from '../../gateway/options.js';
import { StartError } from '../../start-error.js';
import { adviser } from './advice.js';
import { callDynamoDb } from './call-dynamodb.js';
import { prepareDataFolder } from './data-folder.js';
import { guarded } from './guarded-dynamodb.js';
import type { LocalTable } from './local-table.js';

/** A DynamoDB in this process. */
export interface EmbeddedDynamoDb extends AsyncDisposable {
  /** Its endpoint: `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
}

export interface EmbeddedDynamoDbOptions {
  /** Folder of its data; without one, the data is in memory. */
  readonly directory: string | undefined;
  /** The tables, which are created if necessary. */
  readonly tables: readonly LocalTable[];
  /** Names of the tables that only stores use, about whose calls nobody is told. @default none */
  readonly ofStores?: ReadonlySet<string>;
}

// The package has no types.
type Dynalite = (options: { path?: string; createTableMs: number }) => Server;

/**
 * Starts dynalite, which is only loaded now because few functions need it.
 *
 * @throws StartError `ERR_DATA_UNAVAILABLE` if the folder cannot be used.
 */
export async function openEmbeddedDynamoDb({
  directory,
  tables,
  ofStores = new Set(),
}: EmbeddedDynamoDbOptions): Promise<EmbeddedDynamoDb> {
  if (directory !== undefined) await prepareDataFolder(directory);
  const dynalite = createRequire(import.meta.url)('dynalite') as Dynalite;
  const server = dynalite({
    ...(directory !== undefined && { path: directory }),
    createTableMs: 0,
  });
  const [answer] = server.listeners('request') as [RequestListener];
  server.removeAllListeners('request');
  server.on('request', guarded(answer, adviser(ofStores)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  try {
    for (const table of tables) await createTable(endpoint, table, directory);
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, [Symbol.asyncDispose]: close };
}

async function createTable(
  endpoint: string,
  table: LocalTable,
  directory: string | undefined,
): Promise<void> {
  const { TableName } = table;
  const { TableNames } = (await call(endpoint, 'ListTables', {})) as { TableNames: string[] };
  if (!TableNames.includes(TableName)) {
    const { GlobalSecondaryIndexes = [], LocalSecondaryIndexes = [], ...keys } = table;
    await call(endpoint, 'CreateTable', {
      ...keys,
      BillingMode: 'PAY_PER_REQUEST',
      ...(GlobalSecondaryIndexes.length > 0 && { GlobalSecondaryIndexes }),
      ...(LocalSecondaryIndexes.length > 0 && { LocalSecondaryIndexes }),
    });
    return;
  }
  const described = await call(endpoint, 'DescribeTable', { TableName });
  const { Table } = described as { Table: LocalTable };
  if (shapeOf(Table) === shapeOf(table)) return;
  throw new StartError(
    'ERR_DATA_UNAVAILABLE',
    `The table "${TableName}" in the data folder "${directory}" has other keys or indexes than the one to run with.`,
    'Delete the folder with its data, or keep the data in memory: "gatecast dev --ephemeral", or no dataDirectory in startGateway().',
  );
}

/** What decides which requests a table takes, as text to compare. */
function shapeOf(table: LocalTable): string {
  const { AttributeDefinitions, KeySchema } = table;
  const { GlobalSecondaryIndexes = [], LocalSecondaryIndexes = [] } = table;
  const keysOf = (schema: LocalTable['KeySchema']): string =>
    schema.map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName}`).join();
  return [
    keysOf(KeySchema),
    ...AttributeDefinitions.map((each) => `${each.AttributeType} ${each.AttributeName}`).sort(),
    ...[...GlobalSecondaryIndexes, ...LocalSecondaryIndexes]
      .map(
        (each) => `${each.IndexName} ${keysOf(each.KeySchema)} ${each.Projection.ProjectionType}`,
      )
      .sort(),
  ].join('\n');
}

async function call(endpoint: string, operation: string, input: object): Promise<unknown> {
  const address = { endpoint, region: apiDefaults.region };
  const { status, body } = await callDynamoDb(address, operation, JSON.stringify(input));
  if (status !== 200) {
    const table = (input as { readonly TableName?: string }).TableName ?? '';
    throw new StartError(
      'ERR_DATA_UNAVAILABLE',
      `The embedded DynamoDB refused ${operation} for the table "${table}": ${body}`,
      'Correct the keys, the attributes or the indexes of the table.',
    );
  }
  return JSON.parse(body);
}
