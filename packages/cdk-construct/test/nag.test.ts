import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { ConnectionWrites, GatecastApi, type GatecastApiProps, Store } from '../lib/index.js';
import { entry, manifest, newApi, newApp } from './synthesized.js';

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
  ['the role for access logs', () => ({ cloudWatchRole: true })],
  ['tracing', () => ({ handlerOptions: { tracing: lambda.Tracing.ACTIVE } })],
])('cdk-nag finds nothing with %s', (_name, props) => {
  expect(findingsOf(props)).toEqual([]);
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
