import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tableDefinition } from '@gatecast/adapters/dynamodb';
import { prepareDataFolder } from './data-folder.js';
import { guarded } from './guarded-dynamodb.js';

/** A DynamoDB in this process, with one table. */
export interface EmbeddedDynamoDb extends AsyncDisposable {
  /** Its endpoint: `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
}

export interface EmbeddedDynamoDbOptions {
  /** Folder of its data; without one, the data is in memory. */
  readonly directory: string | undefined;
  /** Name of the table, which is created if necessary. */
  readonly table: string;
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
  table,
}: EmbeddedDynamoDbOptions): Promise<EmbeddedDynamoDb> {
  if (directory !== undefined) await prepareDataFolder(directory);
  const dynalite = createRequire(import.meta.url)('dynalite') as Dynalite;
  const server = dynalite({
    ...(directory !== undefined && { path: directory }),
    createTableMs: 0,
  });
  const [answer] = server.listeners('request') as [RequestListener];
  server.removeAllListeners('request');
  server.on('request', guarded(answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  try {
    await createTable(endpoint, table);
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, [Symbol.asyncDispose]: close };
}

async function createTable(endpoint: string, table: string): Promise<void> {
  const { TableNames } = (await call(endpoint, 'ListTables', {})) as { TableNames: string[] };
  if (TableNames.includes(table)) return;
  // dynalite has no time to live. The store itself hides expired rows.
  const { TimeToLiveSpecification: _, ...definition } = tableDefinition;
  await call(endpoint, 'CreateTable', { ...definition, TableName: table });
}

/** One call of DynamoDB's JSON protocol. dynalite requires a signature, but does not check it. */
async function call(endpoint: string, operation: string, input: object): Promise<unknown> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': `DynamoDB_20120810.${operation}`,
      'X-Amz-Date': '20200101T000000Z',
      Authorization:
        'AWS4-HMAC-SHA256 Credential=local/20200101/us-east-1/dynamodb/aws4_request, ' +
        'SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`The embedded DynamoDB refused ${operation}: ${text}`);
  return JSON.parse(text);
}
