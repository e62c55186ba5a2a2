// The DynamoDB of all functions, in a separate process so that its time is not measured. It sends its
// endpoint, and ends with its parent process.
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableDefinition } from '../../packages/adapters/dist/dynamodb/index.js';
// The embedded DynamoDB of the local gateway, with the table of Gatecast's store.
import { openEmbeddedDynamoDb } from '../../packages/local/dist/dev/dynamodb/embedded-dynamodb.js';

const [, , storeTable, handWrittenTable] = process.argv;
const { AttributeDefinitions, KeySchema } = tableDefinition;
const { endpoint } = await openEmbeddedDynamoDb({
  directory: undefined,
  tables: [{ TableName: storeTable, AttributeDefinitions, KeySchema }],
});
const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
await client.send(
  new CreateTableCommand({
    TableName: handWrittenTable,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'room', AttributeType: 'S' },
      { AttributeName: 'connectionId', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'room', KeyType: 'HASH' },
      { AttributeName: 'connectionId', KeyType: 'RANGE' },
    ],
  }),
);
process.on('disconnect', () => process.exit());
process.send(endpoint);
