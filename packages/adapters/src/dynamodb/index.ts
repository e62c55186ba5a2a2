/**
 * A store in one DynamoDB table.
 *
 * @module @gatecast/adapters/dynamodb
 */

export type { DynamoDbStoreOptions } from './dynamo-db-store.js';
export { dynamoDbStore } from './dynamo-db-store.js';
export type { TableDefinition } from './table-definition.js';
export { iamActions, logActions, publisherActions, tableDefinition } from './table-definition.js';
