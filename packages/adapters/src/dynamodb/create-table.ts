/**
 * Creates the table of a store on DynamoDB: for tests and local development.
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
  /** Its credentials need `CreateTable`, `DescribeTable`, `DescribeTimeToLive` and `UpdateTimeToLive`. */
  readonly client: DynamoDBClient;
}

const LONGEST_WAIT_S = 60;

/**
 * Creates the table of a store on DynamoDB unless it exists, and waits until it can be used. On AWS,
 * create it in your stack instead.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 * @throws Error - any error of the AWS client.
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
    // dynalite has no time to live. That is fine: the store never returns expired rows.
    if (!isNamed(error, 'UnknownOperationException')) throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
