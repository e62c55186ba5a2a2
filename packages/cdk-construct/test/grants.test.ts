import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { Authorizer } from '../lib/index.js';
import {
  newApi,
  newApp,
  newStack,
  propertiesOf,
  statementsOf,
  variablesOf,
} from './synthesized.js';

function newFunction(stack: Stack): lambda.Function {
  return new lambda.Function(stack, 'Publisher', {
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async () => {};'),
  });
}

/** A stack beside that of the API. */
function twoStacks(): { readonly apis: Stack; readonly others: Stack } {
  const app = newApp();
  return { apis: new Stack(app, 'Apis'), others: new Stack(app, 'Others') };
}

describe('a publisher', () => {
  test('of another stack gets permissions and variables', () => {
    const { apis, others } = twoStacks();
    const chat = newApi({}, apis);
    const publisher = newFunction(others);
    chat.connectPublisher(publisher);
    expect(Object.keys(variablesOf(others))).toEqual([
      'GATECAST_API_ID',
      'GATECAST_STAGE',
      'GATECAST_TABLE',
    ]);
    const actions = statementsOf(others).map(({ Action }) => Action);
    expect(actions).toEqual([
      'execute-api:ManageConnections',
      expect.arrayContaining(['dynamodb:Query']),
    ]);
    expect(apis.dependencies).toEqual([]);
  });

  test('gets no wildcard over APIs, stages, methods or tables', () => {
    const { apis, others } = twoStacks();
    newApi({}, apis).grantPublish(newFunction(others));
    const resources = statementsOf(others).flatMap(({ Resource }) => Resource);
    const texts = resources.map((resource) => JSON.stringify(resource));
    expect(texts).toEqual([
      expect.stringMatching(/"\/prod\/POST\/@connections\/\*"/),
      expect.stringMatching(/"\/prod\/DELETE\/@connections\/\*"/),
      expect.stringMatching(/ImportValue.*Table.*Arn/),
    ]);
  });
});

test('grantConnect lets an identity connect and nothing else', () => {
  const stack = newStack();
  const chat = newApi({ authorizer: Authorizer.iam() }, stack);
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
  const grant = chat.grantConnect(role);
  expect(grant.success).toBe(true);
  const text = JSON.stringify(
    statementsOf(stack).filter(({ Action }) => Action === 'execute-api:Invoke'),
  );
  expect(text).toContain('"/prod/$connect"');
});

test('metrics are those of the stage', () => {
  const stack = newStack();
  const chat = newApi({}, stack);
  const metrics = [
    chat.metricConnectCount(),
    chat.metricMessageCount(),
    chat.metricClientError(),
    chat.metricIntegrationError(),
    chat.metricExecutionError(),
    chat.metricIntegrationLatency({ statistic: 'p99', period: Duration.minutes(1) }),
  ];
  for (const { namespace, dimensions } of metrics) {
    expect(namespace).toBe('AWS/ApiGateway');
    expect(Object.keys(dimensions ?? {}).sort()).toEqual(['ApiId', 'Stage']);
  }
  expect(metrics.map(({ metricName, statistic }) => `${metricName} ${statistic}`)).toEqual([
    'ConnectCount Sum',
    'MessageCount Sum',
    'ClientError Sum',
    'IntegrationError Sum',
    'ExecutionError Sum',
    'IntegrationLatency p99',
  ]);
});

test('alarms watch the API, the function, the table and failed deliveries', () => {
  const stack = newStack();
  const chat = newApi({ alarms: {}, handlerOptions: { timeout: Duration.seconds(10) } }, stack);
  expect(chat.alarms).toHaveLength(6);
  const alarms = propertiesOf(stack, 'AWS::CloudWatch::Alarm');
  const thresholds = alarms.map(({ Threshold }) => Threshold);
  // 80 % of the time-out, in milliseconds.
  expect(thresholds).toEqual([0, 0, 0, 8000, 0, 0]);
  Template.fromStack(stack).resourceCountIs('AWS::Logs::MetricFilter', 1);
});
