import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { checkOptions, type Store, StoreError } from '@gatecast/framework';
import { DynamoDbConnectionStore, type OpenTable } from './connection-store.js';

/** Options of {@link dynamoDbStore}. */
export interface DynamoDbStoreOptions {
  /** Name of the table. @default the variable GATECAST_TABLE, read at the first event */
  readonly table?: string;
  /**
   * A client of your own. The store tries again by itself, so give it `maxAttempts: 1`.
   *
   * @default one that is made at the first event and kept, with the Region and the credentials of the
   * environment
   */
  readonly client?: DynamoDBClient;
  /**
   * URL of a DynamoDB elsewhere, such as DynamoDB Local. A `client` of your own has one itself.
   *
   * @default AWS_ENDPOINT_URL_DYNAMODB, else DynamoDB in the Region
   */
  readonly endpoint?: string;
  /**
   * How long one operation may take in which calls are throttled, or do not reach DynamoDB, and are
   * tried again, in milliseconds. It ends half a second before the invocation does in any case.
   *
   * @default 5000
   */
  readonly budgetMs?: number;
  /** The clock by which rows expire, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * A store in one DynamoDB table: `tableDefinition` says which. Nothing is read or loaded before the
 * first event.
 *
 * @example
 * ```ts
 * export const { handler } = createApp({ channels: [RoomChannel], store: dynamoDbStore() });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_CONFLICT.
 */
export function dynamoDbStore(options: DynamoDbStoreOptions = {}): Store {
  checkOptions('dynamoDbStore()', options, ['table', ['client', 'endpoint'], 'budgetMs', 'now']);
  const { budgetMs = 5_000, now = Date.now } = options;
  let made: DynamoDBClient | undefined;
  const openTable: OpenTable = async (operation, endsAt) => {
    const table = options.table ?? process.env['GATECAST_TABLE'];
    if (!table) {
      throw StoreError.of({
        store: 'dynamodb',
        operation,
        reason: 'No table is named.',
        advice: 'Set GATECAST_TABLE to the name of the table, or pass dynamoDbStore({ table }).',
      });
    }
    const deadline = Math.min(endsAt, performance.now() + budgetMs);
    try {
      const { makeClient, Table } = await import('./table.js');
      made ??= options.client ?? makeClient(options.endpoint);
      const region = await made.config.region();
      return new Table({ client: made, table, region, operation, deadline });
    } catch (cause) {
      throw StoreError.of({
        store: 'dynamodb',
        operation,
        reason: `The AWS client could not be made: ${(cause as Error).message}`,
        advice: 'Install @aws-sdk/client-dynamodb, and set AWS_REGION.',
        cause,
      });
    }
  };
  return { name: 'dynamodb', connections: new DynamoDbConnectionStore(openTable, now) };
}
