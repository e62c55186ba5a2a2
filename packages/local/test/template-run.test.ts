import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@gatecast/client';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openConnection } from './open-connection.js';
import { TemplateFolder } from './template-folder.js';

const transform = 'Transform: AWS::Serverless-2016-10-31\n';

const app = `
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createApp, defineChannel } from '@gatecast/framework';

const rooms = defineChannel('rooms/:roomId', {
  messages: ({ message }) => ({
    say: message(async (text, ctx) => {
      await ctx.channel.publish('said', { text });
    }),
  }),
});
export const app = createApp({ channels: [rooms], store: dynamoDbStore() });
export const handler = app.handler;
`;

/** A template of the app above with the table of docs/stores.md. */
const ownTable = `${transform}
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: { ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action }
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub 'arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Fn.Arn}/invocations'
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: $connect, Target: !Sub 'integrations/\${Integration}' }
  Default:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $default
      RouteResponseSelectionExpression: $default
      Target: !Sub 'integrations/\${Integration}'
  DefaultResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref Default, RouteResponseKey: $default }
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Timeout: 20
      MemorySize: 512
      Environment: { Variables: { GATECAST_TABLE: !Ref Table } }
      Policies:
        - DynamoDBCrudPolicy: { TableName: !Ref Table }
        - Statement:
            - Effect: Allow
              Action: execute-api:ManageConnections
              Resource: !Sub 'arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*'
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Fn
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub 'arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*'
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
      KeySchema: [{ AttributeName: pk, KeyType: HASH }, { AttributeName: sk, KeyType: RANGE }]
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
`;

describe('I10 the tables of a template exist', () => {
  it('for an app whose store is in its own table', { timeout: 60_000 }, async () => {
    await using folder = await TemplateFolder.with({ 'template.yaml': ownTable, 'app.mjs': app });
    await using gateway = await folder.run();
    expect(gateway.environment).toMatchObject({ GATECAST_TABLE: 'Table' });
    const client = createClient({ url: gateway.url, WebSocket });
    const room = client.channel('rooms/1');
    const said = new Promise((resolve) => room.on('said', resolve));
    await room.subscribe();
    await room.send('say', 'hello');
    expect(await said).toEqual({ text: 'hello' });
    client.close();
  });

  it('only under the name that the template gives the function', { timeout: 60_000 }, async () => {
    const text = ownTable.replace('GATECAST_TABLE: !Ref Table', 'OTHER: a');
    await using folder = await TemplateFolder.with({ 'template.yaml': text, 'app.mjs': app });
    await using gateway = await folder.run();
    await expect(openConnection(`${gateway.url}?protocol=1`)).rejects.toThrow('500');
  });

  it('with their keys and indexes', { timeout: 60_000 }, async () => {
    const template = `${transform}
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        $default: { FunctionArn: !GetAtt Fn.Arn, RouteResponseSelectionExpression: $default }
  Answer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref ApiDefaultRoute, RouteResponseKey: $default }
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      Timeout: 20
      MemorySize: 512
      Environment: { Variables: { PEOPLE: !Ref People, SIMPLE: !Ref Simple } }
      Policies:
        - DynamoDBCrudPolicy: { TableName: !Ref People }
        - DynamoDBReadPolicy: { TableName: !Ref Simple }
  Simple:
    Type: AWS::Serverless::SimpleTable
    Properties: { TableName: plain, PrimaryKey: { Name: number, Type: Number } }
  People:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions:
        - { AttributeName: id, AttributeType: S }
        - { AttributeName: team, AttributeType: S }
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 }
      GlobalSecondaryIndexes:
        - IndexName: by-team
          KeySchema: [{ AttributeName: team, KeyType: HASH }]
          Projection: { ProjectionType: KEYS_ONLY }
          ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 }
`;
    const code = `
import { DynamoDBClient, DescribeTableCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
const client = new DynamoDBClient();
export async function handler() {
  const { PEOPLE: TableName, SIMPLE } = process.env;
  await client.send(new PutItemCommand({ TableName, Item: { id: { S: 'a' }, team: { S: 'x' }, age: { N: '1' } } }));
  const { Items } = await client.send(new QueryCommand({
    TableName, IndexName: 'by-team', KeyConditionExpression: 'team = :t', ExpressionAttributeValues: { ':t': { S: 'x' } },
  }));
  const { Table } = await client.send(new DescribeTableCommand({ TableName: SIMPLE }));
  const { AttributeDefinitions, KeySchema } = Table;
  return { statusCode: 200, body: JSON.stringify({ Items, AttributeDefinitions, KeySchema }) };
}
`;
    const files = { 'template.yaml': template, 'src/app.mjs': code };
    await using folder = await TemplateFolder.with(files);
    await using gateway = await folder.run();
    await using connection = await openConnection(gateway.url);
    connection.send('{}');
    expect(JSON.parse(await connection.receive())).toEqual({
      Items: [{ id: { S: 'a' }, team: { S: 'x' } }],
      AttributeDefinitions: [{ AttributeName: 'number', AttributeType: 'N' }],
      KeySchema: [{ AttributeName: 'number', KeyType: 'HASH' }],
    });
  });
});

describe("I9 SAM's own WebSocket API", () => {
  const template = `${transform}
Globals:
  Function: { Timeout: 20, MemorySize: 256, Environment: { Variables: { TIER: free } } }
  WebSocketApi: { StageVariables: { colour: red } }
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: beta
      RouteSelectionExpression: $request.body.message
      StageVariables: { size: big }
      Auth:
        AuthType: CUSTOM
        AuthArn: !GetAtt Authorizer.Arn
        IdentitySource: [route.request.querystring.token]
      Routes:
        $connect: { FunctionArn: !GetAtt Fn.Arn }
        sendMessage:
          FunctionArn: !GetAtt Fn.Arn
          IntegrationTimeout: 9000
          RouteResponseSelectionExpression: $default
        quiet: { FunctionArn: !Ref Fn.Alias }
  Answer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Chat, RouteId: !Ref ChatSendmessageRoute, RouteResponseKey: $default }
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: index.send
      AutoPublishAlias: live
      Environment: { Variables: { STAGE: !Ref Chat.Stage } }
  Authorizer: { Type: AWS::Serverless::Function, Properties: { CodeUri: src, Handler: index.authorize } }
`;
  const code = `
exports.send = async ({ requestContext, stageVariables }) => {
  const { authorizer, stage } = requestContext;
  const { STAGE, TIER } = process.env;
  return { statusCode: 200, body: JSON.stringify({ user: authorizer.principalId, stage, stageVariables, STAGE, TIER }) };
};
exports.authorize = async ({ methodArn, queryStringParameters: { token } }) => ({
  principalId: token,
  policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }] },
});
`;

  it('runs with its routes, stage, authorizer and globals', { timeout: 60_000 }, async () => {
    const files = { 'template.yaml': template, 'src/index.js': code };
    await using folder = await TemplateFolder.with(files);
    const { options, warnings } = await folder.read();
    expect(warnings).toEqual([]);
    expect(options.routes).toMatchObject([
      { routeKey: '$connect', twoWay: false },
      { routeKey: 'sendMessage', twoWay: true, timeoutMs: 9_000 },
      { routeKey: 'quiet', twoWay: false },
    ]);
    await using gateway = await folder.run();
    expect(gateway.url).toMatch(/\/beta$/);
    await expect(openConnection(gateway.url)).rejects.toThrow('401');
    await using connection = await openConnection(`${gateway.url}?token=alice`);
    connection.send('{"message":"sendMessage"}');
    expect(JSON.parse(await connection.receive())).toEqual({
      user: 'alice',
      stage: 'beta',
      stageVariables: { colour: 'red', size: 'big' },
      STAGE: 'beta',
      TIER: 'free',
    });
  });

  it.each([
    ['RouteSelectionExpression: $request.body.message', 'Name: x', 'no "RouteSelectionExpression"'],
    ['quiet:', 'rooms.post:', 'route key "rooms.post", but SAM only takes letters and digits'],
    ['{ FunctionArn: !Ref Fn.Alias }', '{}', 'has no "FunctionArn" for the route "quiet"'],
    ['AuthType: CUSTOM', 'AuthType: JWT', 'has the "Auth.AuthType" "JWT"'],
    ['AuthArn: !GetAtt Authorizer.Arn', 'Name: x', 'has no "Auth.AuthArn"'],
    ['$connect: {', 'join: {', 'has "Auth", but no route $connect'],
  ])('is refused where SAM refuses it: %s as %s', async (from, to, message) => {
    const text = template.replace(from, () => to);
    await using folder = await TemplateFolder.with({
      'template.yaml': text,
      'src/index.js': code,
    });
    const error: unknown = await folder.read().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ERR_TEMPLATE_INVALID',
      message: expect.stringContaining('"Chat" (AWS::Serverless::WebSocketApi)'),
    });
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('checks signatures with AWS_IAM', { timeout: 60_000 }, async () => {
    const custom = /AuthType: CUSTOM[^]*?querystring\.token\]/;
    const text = template.replace(custom, 'AuthType: AWS_IAM');
    const files = { 'template.yaml': text, 'src/index.js': code };
    await using folder = await TemplateFolder.with(files);
    await using gateway = await folder.run();
    await expect(openConnection(gateway.url)).rejects.toThrow('403');
  });
});

describe('I15 code in the template runs', () => {
  const text = `${transform}
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        sam: { FunctionArn: !GetAtt Sam.Arn, RouteResponseSelectionExpression: $default }
        plain: { FunctionArn: !GetAtt Plain.Arn, RouteResponseSelectionExpression: $default }
  SamAnswer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref ApiSamRoute, RouteResponseKey: $default }
  PlainAnswer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref ApiPlainRoute, RouteResponseKey: $default }
  Sam:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 20
      Handler: index.handler
      InlineCode: |
        exports.handler = async () => ({ statusCode: 200, body: 'from SAM' });
  Plain:
    Type: AWS::Lambda::Function
    Properties:
      Timeout: 20
      Handler: index.main
      Runtime: nodejs24.x
      Code:
        ZipFile: !Sub |
          exports.main = async () => ({ statusCode: 200, body: 'in \${AWS::Region}' });
`;

  it('stays in its file when it is read again, because another gateway may run it', async () => {
    await using folder = await TemplateFolder.with({ 'template.yaml': text });
    const file = join(folder.path, '.gatecast', 'inline', 'Sam', 'index.cjs');
    await folder.read();
    const first = await stat(file);
    await folder.read();
    expect((await stat(file)).mtimeMs).toBe(first.mtimeMs);
    await writeFile(file, 'exports.handler = 1;');
    await folder.read();
    expect(await readFile(file, 'utf8')).toContain('from SAM');
  });

  it('as CommonJS, though the project has ES modules', { timeout: 60_000 }, async () => {
    await using folder = await TemplateFolder.with({
      'template.yaml': text,
      'package.json': '{ "type": "module" }',
    });
    await using gateway = await folder.run();
    await using connection = await openConnection(gateway.url);
    connection.send('{"action":"sam"}');
    expect(await connection.receive()).toBe('from SAM');
    connection.send('{"action":"plain"}');
    expect(await connection.receive()).toBe('in us-east-1');
  });
});

it("runs a template with SAM's policy templates for DynamoDB", { timeout: 60_000 }, async () => {
  const template = `${transform}
Globals: { Function: { Timeout: 20, MemorySize: 256, Runtime: nodejs24.x } }
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: Prod
      RouteSelectionExpression: $request.body.action
      Routes:
        $connect: { FunctionArn: !GetAtt Connect.Arn }
        count: { FunctionArn: !GetAtt Count.Arn, RouteResponseSelectionExpression: $default }
  Answer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref ApiCountRoute, RouteResponseKey: $default }
  Connections:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Connect:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.connect
      Environment: { Variables: { TABLE: !Ref Connections } }
      Policies: [DynamoDBCrudPolicy: { TableName: !Ref Connections }]
  Count:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.count
      Environment: { Variables: { TABLE: !Ref Connections } }
      Policies: [DynamoDBReadPolicy: { TableName: !Ref Connections }]
`;
  const code = `
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
const client = new DynamoDBClient();
const TableName = process.env.TABLE;
export async function connect({ requestContext: { connectionId } }) {
  await client.send(new PutItemCommand({ TableName, Item: { id: { S: connectionId } } }));
  return { statusCode: 200 };
}
export async function count() {
  const { Count } = await client.send(new ScanCommand({ TableName }));
  return { statusCode: 200, body: String(Count) };
}
`;
  const files = { 'template.yaml': template, 'src/app.mjs': code };
  await using folder = await TemplateFolder.with(files);
  expect((await folder.read()).warnings).toEqual([]);
  await using gateway = await folder.run();
  await using connection = await openConnection(gateway.url);
  connection.send('{"action":"count"}');
  expect(await connection.receive()).toBe('1');
});
