import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableDefinition } from './table-definition.js';

/** Options of {@link createTable}. */
export interface CreateTableOptions {
  /** Name of the table. */
  readonly table: string;
  /** Whose credentials may create it: `CreateTable`, `DescribeTable` and the two of time to live. */
  readonly client: DynamoDBClient;
}

const LONGEST_WAIT_S = 60;

/**
 * Creates the table of a {@link dynamoDbStore} unless it is there, and waits until it can be used: for
 * tests and for a database on a laptop. On AWS leave it to the stack.
 *
 * @throws Error - what the AWS client throws.
 */
export async function createTable({ table, client }: CreateTableOptions): Promise<void> {
  const sdk = await import('./table-commands.js');
  const { AttributeDefinitions, KeySchema, BillingMode, TimeToLiveSpecification } = tableDefinition;
  try {
    await client.send(
      new sdk.CreateTableCommand({
        TableName: table,
        AttributeDefinitions: [...AttributeDefinitions],
        KeySchema: [...KeySchema],
        BillingMode,
      }),
    );
  } catch (error) {
    if (!isNamed(error, 'ResourceInUseException')) throw error;
  }
  await sdk.waitUntilTableExists(
    { client, minDelay: 1, maxDelay: 1, maxWaitTime: LONGEST_WAIT_S },
    { TableName: table },
  );
  const { TimeToLiveDescription: ttl } = await client.send(
    new sdk.DescribeTimeToLiveCommand({ TableName: table }),
  );
  if (ttl?.TimeToLiveStatus !== 'DISABLED') return;
  try {
    await client.send(
      new sdk.UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }),
    );
  } catch (error) {
    // dynalite cannot. The store hides what has expired by itself.
    if (!isNamed(error, 'UnknownOperationException')) throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
