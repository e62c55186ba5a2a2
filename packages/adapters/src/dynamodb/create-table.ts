/**
 * Creates the table of a store on DynamoDB: for tests and for a database on a laptop.
 *
 * @module @gatecast/adapters/dynamodb/create-table
 */

import {
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { checkOptions, option } from '@gatecast/framework/adapter';
import { clientOption } from './sdk-port.js';
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
 * Creates the table of a store on DynamoDB unless it is there, and waits until it can be used. On AWS
 * leave it to the stack.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 * @throws Error - what the AWS client throws.
 */
export async function createTable(options: CreateTableOptions): Promise<void> {
  checkOptions('createTable()', options, { table: option.text, client: clientOption });
  const { table, client } = options;
  const { AttributeDefinitions, KeySchema, BillingMode, TimeToLiveSpecification } = tableDefinition;
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        AttributeDefinitions: [...AttributeDefinitions],
        KeySchema: [...KeySchema],
        BillingMode,
      }),
    );
  } catch (error) {
    if (!isNamed(error, 'ResourceInUseException')) throw error;
  }
  await waitUntilTableExists(
    { client, minDelay: 1, maxDelay: 1, maxWaitTime: LONGEST_WAIT_S },
    { TableName: table },
  );
  const { TimeToLiveDescription: ttl } = await client.send(
    new DescribeTimeToLiveCommand({ TableName: table }),
  );
  if (ttl?.TimeToLiveStatus !== 'DISABLED') return;
  try {
    await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }));
  } catch (error) {
    // dynalite cannot. The store hides what has expired by itself.
    if (!isNamed(error, 'UnknownOperationException')) throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
