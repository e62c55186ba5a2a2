import { Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { ConnectionWrites, GatecastApi, type GatecastApiProps, Store } from '../lib/index.js';
import { entry, historyRoutes, manifest, newApi, newApp } from './synthesized.js';

const withAuthorizer = { routes: manifest({ authorizer: true }), authorizer: undefined };

/** What cdk-nag finds in the part of the construct. */
function findingsOf(props: (stack: Stack) => Partial<GatecastApiProps>): readonly string[] {
  const app = newApp();
  const stack = new Stack(app, 'Test');
  const chat = newApi(props(stack), stack);
  const { violations } = new AwsSolutionsChecks(app).validateScope(chat);
  return violations.map(({ ruleName }) => ruleName);
}

test.each<[string, (stack: Stack) => Partial<GatecastApiProps>]>([
  ['the defaults, open by choice', () => ({})],
  ['an authorizer', () => withAuthorizer],
  ['direct writes', () => ({ ...withAuthorizer, connectionWrites: ConnectionWrites.DIRECT })],
  ['alarms', (stack) => ({ alarms: { topic: new sns.Topic(stack, 'Topic') } })],
  [
    'a VPC',
    (stack) => ({
      routes: manifest({ store: 'redis' }),
      store: Store.redis({ vpc: new ec2.Vpc(stack, 'Vpc'), url: 'redis://cache:6379' }),
    }),
  ],
  [
    'Redis with the log in DynamoDB',
    () => ({
      routes: manifest({ store: 'redis+dynamodb', hasHistory: true }, historyRoutes),
      store: Store.redis({ url: 'redis://cache:6379', log: Store.dynamoDb() }),
    }),
  ],
  ['the role for access logs', () => ({ cloudWatchRole: true })],
  ['tracing', () => ({ handlerOptions: { tracing: lambda.Tracing.ACTIVE } })],
  ['tracing of callers', () => ({ handlerOptions: { tracing: lambda.Tracing.PASS_THROUGH } })],
  [
    "a customer's key and direct writes",
    (stack) => ({
      ...withAuthorizer,
      connectionWrites: ConnectionWrites.DIRECT,
      store: Store.dynamoDb({
        table: new dynamodb.Table(stack, 'Table', {
          partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
          sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
          timeToLiveAttribute: 'ttl',
          encryptionKey: new kms.Key(stack, 'Key'),
        }),
        keyPrefix: 'chat#',
      }),
    }),
  ],
])('cdk-nag finds nothing with %s', (_name, props) => {
  expect(findingsOf(props)).toEqual([]);
});

test('cdk-nag still finds wildcards of your own in a role that you pass', () => {
  const app = newApp();
  const stack = new Stack(app, 'Test');
  const role = new iam.Role(stack, 'Role', {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));
  newApi({ role, handlerOptions: { tracing: lambda.Tracing.ACTIVE } }, stack);
  const { violations } = new AwsSolutionsChecks(app).validateScope(role);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-IAM5[Resource::*]']);
});

test('cdk-nag finds an API that is open without a word', () => {
  const app = newApp();
  const stack = new Stack(app, 'Test');
  new GatecastApi(stack, 'Chat', { entry });
  const { violations } = new AwsSolutionsChecks(app).validateScope(stack);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-APIG4']);
  expect(violations[0]?.violatingResources.map(({ constructPath }) => constructPath)).toEqual([
    'Test/Chat/Routes/$connectRoute',
  ]);
});
