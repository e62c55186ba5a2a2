// The chat without a framework: a table of connections and two AWS clients.
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import {
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';

const TableName = process.env.TABLE_NAME;
const HOURS_2_IN_SECONDS = 7_200;
const database = new DynamoDBClient({});

const keyOf = (connectionId) => ({ room: { S: 'lobby' }, connectionId: { S: connectionId } });

async function connect(connectionId) {
  const expiresAt = Math.floor(Date.now() / 1_000) + HOURS_2_IN_SECONDS;
  const Item = { ...keyOf(connectionId), expiresAt: { N: String(expiresAt) } };
  await database.send(new PutItemCommand({ TableName, Item }));
}

async function disconnect(connectionId) {
  await database.send(new DeleteItemCommand({ TableName, Key: keyOf(connectionId) }));
}

async function post({ domainName, stage, connectionId }, { text, from }) {
  const gateway = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  const { Items = [] } = await database.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'room = :room',
      ExpressionAttributeValues: { ':room': { S: 'lobby' } },
    }),
  );
  const Data = JSON.stringify({ type: 'message', text, from, connectionId });
  await Promise.allSettled(
    Items.map((item) =>
      gateway.send(new PostToConnectionCommand({ ConnectionId: item.connectionId.S, Data })),
    ),
  );
}

export const handler = async ({ requestContext, body }) => {
  switch (requestContext.routeKey) {
    case '$connect':
      await connect(requestContext.connectionId);
      break;
    case '$disconnect':
      await disconnect(requestContext.connectionId);
      break;
    default:
      await post(requestContext, JSON.parse(body));
  }
  return { statusCode: 200 };
};
