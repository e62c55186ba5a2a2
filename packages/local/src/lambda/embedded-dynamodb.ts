import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tableDefinition } from '@gatecast/adapters/dynamodb';

/** A DynamoDB in this process, with one table. */
export interface EmbeddedDynamoDb extends AsyncDisposable {
  /** Where it is asked: `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
}

export interface EmbeddedDynamoDbOptions {
  /** Where its data is kept; in memory without. */
  readonly directory: string | undefined;
  /** Name of the table, made if it is not there. */
  readonly table: string;
}

// It has no types of its own.
type Dynalite = (options: { path?: string; createTableMs: number }) => Server;

/** Starts dynalite, which is loaded only now: few functions need it. */
export async function openEmbeddedDynamoDb({
  directory,
  table,
}: EmbeddedDynamoDbOptions): Promise<EmbeddedDynamoDb> {
  if (directory !== undefined) await mkdir(directory, { recursive: true });
  const dynalite = createRequire(import.meta.url)('dynalite') as Dynalite;
  const server = dynalite({
    ...(directory !== undefined && { path: directory }),
    createTableMs: 0,
  });
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
  // The store hides by itself what has expired.
  const { TimeToLiveSpecification: _, ...definition } = tableDefinition;
  await call(endpoint, 'CreateTable', { ...definition, TableName: table });
}

/** One call of DynamoDB's JSON protocol. dynalite wants a signature to be there, not to be right. */
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
