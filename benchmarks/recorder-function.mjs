import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';

const TableName = 'notes';
const pk = { S: 'room' };

const calls = {
  GetItem: () => new GetItemCommand({ TableName, Key: { pk, sk: { S: '1' } } }),
  PutItem: () =>
    new PutItemCommand({ TableName, Item: { pk, sk: { S: '1' }, text: { S: 'hello' } } }),
  Query: () =>
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
    }),
};

/** Calls the endpoint in the variables and another one in turn. Answers with the time of each call. */
export const handler = async ({ operation, beside, rounds }) => {
  const contenders = [new DynamoDBClient({}), new DynamoDBClient({ endpoint: beside })];
  const times = contenders.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    // Each is first in half of the rounds.
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) {
      const start = performance.now();
      await contenders[index].send(calls[operation]());
      times[index].push(performance.now() - start);
    }
  }
  for (const client of contenders) client.destroy();
  const [through, directly] = times;
  return { through, directly };
};
