import { Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { Authorizer } from '../lib/index.js';
import {
  newApi,
  newApp,
  newFunction,
  newStack,
  propertiesOf,
  statementsOf,
  variablesOf,
} from './synthesized.js';

/** A stack beside that of the API. */
function twoStacks(): { readonly apis: Stack; readonly others: Stack } {
  const app = newApp();
  return { apis: new Stack(app, 'Apis'), others: new Stack(app, 'Others') };
}

describe('a publisher', () => {
  test('of another stack gets permissions and variables', () => {
    const { apis, others } = twoStacks();
    const chat = newApi({}, apis);
    const publisher = newFunction(others, 'Publisher');
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
    newApi({}, apis).grantPublish(newFunction(others, 'Publisher'));
    const resources = statementsOf(others).flatMap(({ Resource }) => Resource);
    const texts = resources.map((resource) => JSON.stringify(resource));
    expect(texts).toEqual([
      expect.stringMatching(/"\/prod\/POST\/@connections\/\*"/),
      expect.stringMatching(/"\/prod\/DELETE\/@connections\/\*"/),
      expect.stringMatching(/ImportValue.*Table.*Arn/),
    ]);
  });
});

test('grantConnect lets an identity connect', () => {
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

test('grantConnect is a mistake where IAM does not decide', () => {
  const stack = newStack();
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
  expect(() => newApi({}, stack).grantConnect(role)).toThrow(
    /grantConnect\(\) has no effect.*Authorizer\.iam\(\)/,
  );
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
  const watched = propertiesOf(stack, 'AWS::CloudWatch::Alarm').map((alarm) => {
    const metrics = (alarm['Metrics'] ?? [{ MetricStat: { Metric: alarm } }]) as readonly {
      readonly MetricStat?: { readonly Metric: { readonly MetricName: string } };
    }[];
    const names = metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []);
    return `${names.join('+')} > ${alarm['Threshold']}`;
  });
  expect(watched).toEqual([
    'IntegrationError > 0',
    'Errors > 0',
    'Throttles > 0',
    // 80 % of the time-out, in milliseconds.
    'Duration > 8000',
    'ReadThrottleEvents+WriteThrottleEvents > 0',
    'TestChatAlarms93F2EF5CFailedDeliveries > 0',
  ]);
});

test('the filter for failed deliveries reads what logger() and an app without it write', () => {
  const stack = newStack();
  newApi({ alarms: {} }, stack);
  const [filter] = propertiesOf(stack, 'AWS::Logs::MetricFilter');
  // The lines are pinned by delivery-lines.test.ts of the framework.
  expect(filter?.['FilterPattern']).toBe(
    '{ $.level = "ERROR" && ($.message.error.code = "ERR_DELIVERY_*" || $.message = "*ERR_DELIVERY_*") }',
  );
  const [handler] = propertiesOf(stack, 'AWS::Lambda::Function');
  expect(handler?.['LoggingConfig']).toMatchObject({ LogFormat: 'JSON' });
});
