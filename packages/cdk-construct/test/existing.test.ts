import { logActions } from '@gatecast/adapters/dynamodb';
import { Stack, Token } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { describe, expect, test } from 'vitest';
import { Authorizer, GatecastApi, Store } from '../lib/index.js';
import {
  entry,
  manifest,
  newApi,
  newApp,
  newFunction,
  newStack,
  propertiesOf,
  resourcesOf,
  statementsOf,
  tableActionsOf,
  toldBy,
  variablesOf,
} from './synthesized.js';

function newTable(stack: Stack, encryptionKey?: kms.IKey): dynamodb.Table {
  return new dynamodb.Table(stack, 'Table', {
    partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
    sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
    timeToLiveAttribute: 'ttl',
    ...(encryptionKey && { encryptionKey }),
  });
}

describe('keys of two APIs', () => {
  function isWarned(...stores: readonly ((stack: Stack) => Store)[]): boolean {
    const stack = newStack();
    const [first, second] = stores.map((store) => store(stack));
    newApi({ routes: undefined, store: first }, stack);
    new GatecastApi(stack, 'Second', { entry, store: second });
    const { metadata } = stack.node.findChild('Second').node;
    return JSON.stringify(metadata.map(({ data }) => data)).includes(
      'same keys as that of \\"Test/Chat',
    );
  }

  test('that are the same are warned of', () => {
    const table = (keyPrefix: string) => (stack: Stack) =>
      Store.dynamoDb({
        table: (stack.node.tryFindChild('Table') as dynamodb.Table | undefined) ?? newTable(stack),
        keyPrefix,
      });
    const redis = (keyPrefix?: string) => () =>
      Store.redis({ url: 'redis://cache:6379', keyPrefix });
    expect(isWarned(table('chat#'), table('chat#'))).toBe(true);
    expect(isWarned(table('chat#'), table('news#'))).toBe(false);
    expect(isWarned(redis(), redis())).toBe(true);
    expect(isWarned(redis('chat:'), redis('news:'))).toBe(false);
    const own = (): Store => Store.dynamoDb();
    expect(isWarned(own, own)).toBe(false);
  });
});

describe('a handler', () => {
  test('of the same stack gets permissions and variables', () => {
    const stack = newStack();
    const handler = newFunction(stack);
    newApi({ handler }, stack);
    expect(propertiesOf(stack, 'AWS::Lambda::Function')).toHaveLength(1);
    expect(Object.keys(variablesOf(stack))).toEqual([
      'GATECAST_API_ID',
      'GATECAST_STAGE',
      'GATECAST_TABLE',
      'GATECAST_ROUTES',
    ]);
    const actions = statementsOf(stack).map(({ Action }) => Action);
    expect(actions).toEqual(['execute-api:ManageConnections', expect.any(Array)]);
    // Its logs are the matter of whoever made it.
    expect(propertiesOf(stack, 'AWS::Logs::LogGroup')).toHaveLength(1);
  });

  test('of another stack makes no cycle', () => {
    const app = newApp();
    const functions = new Stack(app, 'Functions');
    const stack = new Stack(app, 'Test');
    const handler = newFunction(functions);
    const table = newTable(functions);
    newApi({ handler, store: Store.dynamoDb({ table, keyPrefix: 'chat#' }) }, stack);
    expect(() => app.synth()).not.toThrow();
    expect(stack.dependencies).toEqual([functions]);
    expect(functions.dependencies).toEqual([]);
    expect(variablesOf(functions)).toEqual({
      GATECAST_ROUTES: 'manifest',
      GATECAST_STAGE: 'prod',
      GATECAST_TABLE: expect.anything(),
      GATECAST_KEY_PREFIX: 'chat#',
    });
    const [policy] = propertiesOf(stack, 'AWS::IAM::Policy');
    expect(policy).toMatchObject({ Roles: [{ 'Fn::ImportValue': expect.any(String) }] });
  });

  test('of another stack may use a table that is imported here', () => {
    const app = newApp();
    const functions = new Stack(app, 'Functions');
    const stack = new Stack(app, 'Test');
    const table = dynamodb.Table.fromTableName(stack, 'Table', 'chat');
    const handler = newFunction(functions);
    newApi({ handler, store: Store.dynamoDb({ table, keyPrefix: 'chat#' }) }, stack);
    expect(() => app.synth()).not.toThrow();
    expect(variablesOf(functions)).toMatchObject({ GATECAST_TABLE: 'chat' });
  });

  test('that is imported is told which variables to set', () => {
    const stack = newStack();
    const handler = lambda.Function.fromFunctionAttributes(stack, 'Function', {
      functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:chat',
      role: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/chat', {
        mutable: false,
      }),
    });
    const table = dynamodb.Table.fromTableName(stack, 'Table', 'chat');
    newApi({ handler, store: Store.dynamoDb({ table, keyPrefix: 'chat#' }) }, stack);
    expect(toldBy(stack)).toContain(
      'GATECAST_API_ID, GATECAST_STAGE, GATECAST_TABLE, GATECAST_KEY_PREFIX, GATECAST_ROUTES.',
    );
    // An immutable role stays as it is.
    expect(toldBy(stack)).toContain('execute-api:ManageConnections, dynamodb:BatchGetItem');
    expect(propertiesOf(stack, 'AWS::IAM::Policy')).toHaveLength(0);
    const permissions = propertiesOf(stack, 'AWS::Lambda::Permission');
    expect(permissions[0]).toMatchObject({
      FunctionName: 'arn:aws:lambda:us-east-1:123456789012:function:chat',
    });
  });

  test('that is an alias leads to the function behind it', () => {
    const stack = newStack();
    const handler = new lambda.Alias(stack, 'Alias', {
      aliasName: 'live',
      version: newFunction(stack).currentVersion,
    });
    newApi({ handler }, stack);
    expect(variablesOf(stack)).toHaveProperty('GATECAST_TABLE');
  });

  test.each([
    ['that was given to it', (stack: Stack) => ({ handler: newFunction(stack) })],
    ['that it made', () => ({})],
  ])('of another API, %s, is refused', (_name, props) => {
    const stack = newStack();
    const { handler } = newApi(props(stack), stack);
    expect(() => new GatecastApi(stack, 'Second', { handler })).toThrow(
      /already has the variables of "Test\/Chat"/,
    );
  });

  test('never shows the address of a cache', () => {
    const stack = newStack();
    const handler = lambda.Function.fromFunctionArn(
      stack,
      'Function',
      'arn:aws:lambda:us-east-1:123456789012:function:chat',
    );
    const store = Store.redis({ url: 'rediss://app:hunter2@cache:6379' });
    newApi({ handler, store, routes: manifest({ store: 'redis' }) }, stack);
    expect(toldBy(stack)).not.toContain('hunter2');
    expect(() => newApi({ store: Store.redis({ url: 'valkey://app:hunter2@cache' }) })).toThrow(
      /^(?!.*hunter2).*begins with "valkey"/,
    );
  });

  test('whose role is not known gets no permissions, which is told', () => {
    const stack = newStack();
    const handler = lambda.Function.fromFunctionArn(
      stack,
      'Function',
      'arn:aws:lambda:us-east-1:123456789012:function:chat',
    );
    newApi({ handler }, stack);
    expect(toldBy(stack)).toContain('The role of the handler is not known');
  });
});

test('lets the function use the key of a table', () => {
  const stack = newStack();
  const key = new kms.Key(stack, 'Key');
  newApi({ store: Store.dynamoDb({ table: newTable(stack, key), keyPrefix: 'chat#' }) }, stack);
  expect(JSON.stringify(statementsOf(stack))).toContain('kms:Decrypt');
  expect(variablesOf(stack)).toMatchObject({ GATECAST_KEY_PREFIX: 'chat#' });
});

test('asks an authorizer function, which the API may invoke', () => {
  const stack = newStack();
  const decider = newFunction(stack, 'Decider');
  newApi({ authorizer: Authorizer.fromFunction(decider) }, stack);
  const [authorizer] = propertiesOf(stack, 'AWS::ApiGatewayV2::Authorizer');
  expect(JSON.stringify(authorizer)).toContain('Decider');
  const permissions = propertiesOf(stack, 'AWS::Lambda::Permission').map((each) =>
    JSON.stringify(each),
  );
  expect(permissions.filter((text) => text.includes('/authorizers/'))).toEqual([
    expect.stringContaining('Decider'),
  ]);
});

test('adds routes to an API of another stack', () => {
  const app = newApp();
  const apis = new Stack(app, 'Apis');
  const api = new apigwv2.WebSocketApi(apis, 'Api');
  const stack = new Stack(app, 'Test');
  const chat = newApi({ api, stageName: 'chat' }, stack);
  app.synth();
  expect(propertiesOf(stack, 'AWS::ApiGatewayV2::Api')).toEqual([]);
  expect(apis.dependencies).toEqual([]);
  expect(chat.api).toBe(api);
});

test('takes a role, a log group and a VPC', () => {
  const stack = newStack();
  const role = new iam.Role(stack, 'Role', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  const logGroup = new logs.LogGroup(stack, 'Logs');
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });
  newApi({ role, logGroup, vpc, accessLogs: false }, stack);
  const resources = resourcesOf(stack);
  const ids = Object.keys(resources);
  expect(ids.filter((id) => resources[id]?.Type === 'AWS::Logs::LogGroup')).toHaveLength(1);
  const [handler] = propertiesOf(stack, 'AWS::Lambda::Function');
  expect(handler).toMatchObject({
    Role: { 'Fn::GetAtt': [expect.stringMatching(/^Role/), 'Arn'] },
    LoggingConfig: { LogGroup: { Ref: expect.stringMatching(/^Logs/) } },
    VpcConfig: { SubnetIds: [expect.anything()] },
  });
  // Lambda makes network interfaces with the role of the function.
  expect(JSON.stringify(statementsOf(stack))).toContain('ec2:CreateNetworkInterface');
});

test('uses a Redis cluster without a table', () => {
  const stack = newStack();
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });
  const url = 'rediss://cache.example.com:6379';
  newApi({ routes: manifest({ store: 'redis' }), store: Store.redis({ vpc, url }) }, stack);
  expect(propertiesOf(stack, 'AWS::DynamoDB::Table')).toEqual([]);
  expect(propertiesOf(stack, 'AWS::Lambda::Function')[0]).toHaveProperty('VpcConfig');
  expect(variablesOf(stack)).toMatchObject({ GATECAST_REDIS_URL: url });
  expect(toldBy(stack)).toContain('NAT gateway');
  expect(JSON.stringify(statementsOf(stack))).not.toContain('dynamodb:');
});

describe('a Redis cluster with the log in DynamoDB', () => {
  const url = 'rediss://cache.example.com:6379';
  const routes = manifest({ store: 'redis+dynamodb', hasHistory: true });

  test('has the variables of both, a table, and only what the log calls on it', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 });
    const store = Store.redis({ vpc, url, log: Store.dynamoDb() });
    const chat = newApi({ routes, store, alarms: {} }, stack);
    expect(propertiesOf(stack, 'AWS::DynamoDB::Table')).toHaveLength(1);
    expect(chat.table).toBeDefined();
    expect(propertiesOf(stack, 'AWS::Lambda::Function')[0]).toHaveProperty('VpcConfig');
    expect(variablesOf(stack)).toEqual({
      GATECAST_API_ID: expect.anything(),
      GATECAST_ROUTES: 'manifest',
      GATECAST_STAGE: 'prod',
      GATECAST_REDIS_URL: url,
      GATECAST_TABLE: { Ref: expect.stringMatching(/^ChatTable/) },
    });
    expect(tableActionsOf(stack)).toEqual([logActions]);
    expect(JSON.stringify(propertiesOf(stack, 'AWS::CloudWatch::Alarm'))).toContain(
      'WriteThrottleEvents',
    );
    expect(toldBy(stack)).not.toContain('logInRedis');
  });

  test.each(['redis', 'log', 'both'])('has one key prefix, which %s may say', (where) => {
    const stack = newStack();
    const keyPrefix = 'chat#';
    const table = newTable(stack);
    const log = Store.dynamoDb({ table, ...(where !== 'redis' && { keyPrefix }) });
    const store = Store.redis({ url, log, ...(where !== 'log' && { keyPrefix }) });
    newApi({ routes, store }, stack);
    expect(variablesOf(stack)).toMatchObject({
      GATECAST_REDIS_URL: url,
      GATECAST_TABLE: { Ref: expect.stringMatching(/^Table/) },
      GATECAST_KEY_PREFIX: keyPrefix,
    });
    expect(propertiesOf(stack, 'AWS::DynamoDB::Table')).toHaveLength(1);
  });

  test('lets a publisher of another stack do what the log needs', () => {
    const app = newApp();
    const [apis, others] = [new Stack(app, 'Apis'), new Stack(app, 'Others')];
    const store = Store.redis({ url, log: Store.dynamoDb() });
    newApi({ routes, store }, apis).connectPublisher(newFunction(others));
    expect(Object.keys(variablesOf(others))).toEqual([
      'GATECAST_API_ID',
      'GATECAST_STAGE',
      'GATECAST_REDIS_URL',
      'GATECAST_TABLE',
    ]);
    expect(tableActionsOf(others)).toEqual([logActions]);
  });

  test('refuses a publisher in the stack of the table', () => {
    const app = newApp();
    const [apis, others] = [new Stack(app, 'Apis'), new Stack(app, 'Others')];
    const log = Store.dynamoDb({ table: newTable(others), keyPrefix: 'chat#' });
    const chat = newApi({ routes, store: Store.redis({ url, log }) }, apis);
    expect(() => chat.connectPublisher(newFunction(others))).toThrow(
      /in the stack of "Others\/Table"/,
    );
  });
});

test('tells that the log is in Redis, which may lose its end', () => {
  const stack = newStack();
  const url = 'rediss://cache.example.com:6379';
  const routes = manifest({ store: 'redis', hasHistory: true });
  newApi({ routes, store: Store.redis({ url }) }, stack);
  expect(toldBy(stack)).toContain('Store.redis({ url, log: Store.dynamoDb() })');
});

describe('a domain', () => {
  test('that is new, with a record', () => {
    const stack = newStack({ env: { region: 'eu-central-1', account: '123456789012' } });
    const certificate = acm.Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:eu-central-1:123456789012:certificate/1',
    );
    const hostedZone = route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
      hostedZoneId: 'Z1',
      zoneName: 'example.com',
    });
    const domain = {
      domainName: 'chat.example.com',
      certificate,
      hostedZone,
      mappingKey: 'v1',
      disableExecuteApiEndpoint: true,
    };
    const chat = newApi({ domain }, stack);
    expect(chat.url).toBe('wss://chat.example.com/v1');
    expect(chat.callbackUrl).toBe('https://chat.example.com/v1');
    expect(propertiesOf(stack, 'AWS::ApiGatewayV2::DomainName')[0]).toMatchObject({
      DomainNameConfigurations: [{ SecurityPolicy: 'TLS_1_2' }],
    });
    expect(propertiesOf(stack, 'AWS::Route53::RecordSet')[0]).toMatchObject({
      Name: 'chat.example.com.',
    });
    expect(propertiesOf(stack, 'AWS::ApiGatewayV2::Api')[0]).toMatchObject({
      DisableExecuteApiEndpoint: true,
    });
    // Its own endpoint does not answer, so the app has to post to the domain.
    expect(variablesOf(stack)).toMatchObject({ GATECAST_ENDPOINT: 'https://chat.example.com/v1' });
  });

  test('that exists', () => {
    const stack = newStack();
    const existing = apigwv2.DomainName.fromDomainNameAttributes(stack, 'Domain', {
      name: 'old.example.com',
      regionalDomainName: 'd-1.execute-api.us-east-1.amazonaws.com',
      regionalHostedZoneId: 'Z1',
    });
    const chat = newApi({ domain: { existing } }, stack);
    expect(chat.url).toBe('wss://old.example.com');
    expect(Token.isUnresolved(chat.callbackUrl)).toBe(true);
    expect(variablesOf(stack)).not.toHaveProperty('GATECAST_ENDPOINT');
  });
});
