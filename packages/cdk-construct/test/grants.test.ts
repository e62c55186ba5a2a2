import { publisherActions } from '@gatecast/adapters/dynamodb';
import { Duration, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { Authorizer, GatecastApi, Store } from '../lib/index.js';
import {
  entry,
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
    expect(actions).toEqual(['execute-api:ManageConnections', publisherActions]);
    expect(apis.dependencies).toEqual([]);
  });

  test.each<[string, () => unknown]>([
    [
      'of another Region',
      () => {
        const app = newApp();
        const chat = newApi({}, new Stack(app, 'A', { env: { region: 'us-east-1' } }));
        const other = new Stack(app, 'B', {
          env: { region: 'eu-west-1' },
          crossRegionReferences: true,
        });
        chat.connectPublisher(newFunction(other, 'Publisher'));
      },
    ],
    [
      "in the handler's stack",
      () => {
        const { apis, others } = twoStacks();
        const store = Store.dynamoDb({
          table: dynamodb.Table.fromTableName(others, 'T', 'chat'),
          keyPrefix: 'chat#',
        });
        newApi({ handler: newFunction(others), store }, apis).connectPublisher(
          newFunction(others, 'Publisher'),
        );
      },
    ],
    [
      'in the stack of a table that the API takes',
      () => {
        const { apis, others } = twoStacks();
        const table = new dynamodb.Table(others, 'Table', {
          partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
          sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
          timeToLiveAttribute: 'ttl',
        });
        newApi({ store: Store.dynamoDb({ table, keyPrefix: 'chat#' }) }, apis).connectPublisher(
          newFunction(others, 'Publisher'),
        );
      },
    ],
    [
      'that publishes to another API already',
      () => {
        const { apis, others } = twoStacks();
        const publisher = newFunction(others, 'Publisher');
        newApi({}, apis).connectPublisher(publisher);
        new GatecastApi(apis, 'Second', { entry }).connectPublisher(publisher);
      },
    ],
    [
      'that runs the app of another API',
      () => {
        const { apis } = twoStacks();
        const handler = newApi({}, apis).handler as lambda.Function;
        new GatecastApi(apis, 'Second', { entry }).connectPublisher(handler);
      },
    ],
  ])('%s is refused', (_name, make) => {
    expect(make).toThrowErrorMatchingSnapshot();
  });

  test('gets no wildcard over APIs, stages, methods or tables', () => {
    const { apis, others } = twoStacks();
    newApi({}, apis).grantPublish(newFunction(others, 'Publisher'));
    const resources = statementsOf(others).flatMap(({ Resource }) => Resource);
    const texts = resources.map((resource) => JSON.stringify(resource));
    expect(texts).toEqual([
      expect.stringMatching(/"\/prod\/POST\/@connections\/\*"/),
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
  expect(chat.alarms).toHaveLength(7);
  const watched = propertiesOf(stack, 'AWS::CloudWatch::Alarm').map((alarm) => {
    const metrics = (alarm['Metrics'] ?? [{ MetricStat: { Metric: alarm } }]) as readonly {
      readonly MetricStat?: { readonly Metric: { readonly MetricName: string } };
    }[];
    const names = metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []);
    return `${names.join('+')} > ${String(alarm['Threshold'])}`;
  });
  expect(watched).toEqual([
    'ExecutionError > 0',
    // In percent, because refused handshakes count.
    'IntegrationError+ConnectCount+MessageCount > 5',
    'Errors+Invocations > 5',
    'Throttles > 0',
    // 80 % of the time-out, in milliseconds.
    'Duration > 8000',
    'ReadThrottleEvents+WriteThrottleEvents > 0',
    'Test-Chat-FailedDeliveries > 0',
  ]);
});

test.each(['Long'.repeat(60), 'Chät', 'a:b*$'])(
  'the metric of failed deliveries has a name that CloudWatch takes, in "%s"',
  (id) => {
    const stack = newStack();
    const names = [`${id}1`, `${id}2`].map((each) => {
      const { alarms } = new GatecastApi(stack, each, { entry, alarms: {} });
      return (alarms.at(-1)?.metric as cloudwatch.Metric | undefined)?.metricName;
    });
    for (const name of names) expect(name).toMatch(/^[A-Za-z\d-]{1,255}$/);
    expect(new Set(names).size).toBe(2);
    const filters = propertiesOf(stack, 'AWS::Logs::MetricFilter');
    expect(JSON.stringify(filters)).toContain(`"MetricName":"${names[0]}"`);
  },
);

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
