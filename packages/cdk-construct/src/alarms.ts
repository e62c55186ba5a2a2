import { Duration, Names, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

/**
 * Alarms on what a user of the app would notice. Those on the time-out and on failed deliveries need the
 * function of `entry`.
 */
export interface AlarmOptions {
  /**
   * Topic that is told when an alarm goes on.
   *
   * @default - nobody is told
   */
  readonly topic?: sns.ITopic;
}

export interface AlarmsProps extends AlarmOptions {
  /** The API's metric of that name. */
  readonly apiMetric: (name: string, options: cloudwatch.MetricOptions) => cloudwatch.Metric;
  readonly handler: lambda.IFunction;
  /** The handler's time-out, if the construct knows it. */
  readonly timeout?: Duration;
  /** The handler's log group, if the construct knows it. */
  readonly logGroup?: logs.ILogGroup;
  readonly table?: dynamodb.ITable;
}

type WatchedMetric = Pick<cloudwatch.AlarmProps, 'metric' | 'alarmDescription'> & {
  /** @default 0 */
  readonly threshold?: number;
};

const PERIOD = Duration.minutes(1);
/** A refused client counts as an error of the integration or the function, so some are normal. */
const MOST_ERRORS_PERCENT = 5;
const SUM = { period: PERIOD, statistic: cloudwatch.Stats.SUM };

/** Alarms of one API. Each looks at three minutes, of which two have to be bad. */
export class Alarms extends Construct {
  public readonly all: cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { apiMetric, handler, topic } = props;
    const alarms = [
      this.alarm('ExecutionErrors', {
        metric: apiMetric('ExecutionError', SUM),
        alarmDescription: 'API Gateway could not call an integration. See the access logs.',
      }),
      this.alarm('IntegrationErrors', {
        metric: percentage(apiMetric('IntegrationError', SUM), [
          apiMetric('ConnectCount', SUM),
          apiMetric('MessageCount', SUM),
        ]),
        threshold: MOST_ERRORS_PERCENT,
        alarmDescription:
          'many requests got an error from their integration (refused handshakes count).',
      }),
      this.alarm('HandlerErrors', {
        metric: percentage(handler.metricErrors(SUM), [handler.metricInvocations(SUM)]),
        threshold: MOST_ERRORS_PERCENT,
        alarmDescription:
          'the function often failed or timed out (refusals of the authorizer count).',
      }),
      this.alarm('HandlerThrottles', {
        metric: handler.metricThrottles(SUM),
        alarmDescription:
          'Lambda had no concurrency left for the function. Raise the quota, or its reserved concurrency.',
      }),
    ];
    this.all = [
      ...alarms,
      ...this.durationAlarm(props),
      ...this.tableAlarm(props),
      ...this.deliveryAlarm(props),
    ];
    if (topic !== undefined) {
      for (const alarm of this.all) alarm.addAlarmAction(new SnsAction(topic));
    }
  }

  private alarm(id: string, watched: WatchedMetric): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, id, {
      threshold: 0,
      ...watched,
      alarmDescription: `${this.node.scope?.node.path}: ${watched.alarmDescription} (Two of three minutes.)`,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  private durationAlarm({ handler, timeout }: AlarmsProps): cloudwatch.Alarm[] {
    if (timeout === undefined || timeout.isUnresolved()) return [];
    const metric = handler.metricDuration({ period: PERIOD, statistic: 'p99' });
    const alarmDescription = 'one event in a hundred takes more than 80 % of the time-out.';
    const threshold = timeout.toMilliseconds() * 0.8;
    return [this.alarm('HandlerDuration', { metric, alarmDescription, threshold })];
  }

  private tableAlarm({ table }: AlarmsProps): cloudwatch.Alarm[] {
    if (table === undefined) return [];
    const metric = new cloudwatch.MathExpression({
      expression: 'FILL(reads, 0) + FILL(writes, 0)',
      usingMetrics: {
        reads: table.metric('ReadThrottleEvents', SUM),
        writes: table.metric('WriteThrottleEvents', SUM),
      },
      period: PERIOD,
      label: 'Throttled requests',
    });
    const alarmDescription = 'DynamoDB throttled the store. See the metrics of the table.';
    return [this.alarm('TableThrottles', { metric, alarmDescription })];
  }

  /** Counts the lines of `onError` about deliveries. */
  private deliveryAlarm({ logGroup }: AlarmsProps): cloudwatch.Alarm[] {
    if (logGroup === undefined) return [];
    const filter = new logs.MetricFilter(this, 'FailedDeliveriesFilter', {
      logGroup,
      filterPattern: logs.FilterPattern.literal(FAILED_DELIVERY),
      metricNamespace: 'Gatecast',
      metricName: metricNameOf(this),
      metricValue: '1',
      defaultValue: 0,
    });
    const alarmDescription =
      'events did not reach subscribers, or posts were refused. Look for ERR_DELIVERY in the log group.';
    return [this.alarm('FailedDeliveries', { metric: filter.metric(SUM), alarmDescription })];
  }
}

/** What a metric filter takes (CloudWatch Logs: MetricTransformation), and CloudWatch, which wants ASCII. */
const METRIC_NAME = /^(?!.*[:*$])[ -~]{1,255}$/;

/** With the name of the stack: an app may be deployed several times in an account. */
function metricNameOf(scope: Construct): string {
  const stack = Stack.of(scope);
  const ids = scope.node.scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  const name = [stack.stackName, ...ids.slice(0, -1), 'FailedDeliveries'].join('-');
  if (METRIC_NAME.test(name) || Token.isUnresolved(name)) return name;
  return Names.uniqueResourceName(scope, { maxLength: 255, separator: '-' });
}

/** A part of the sum of other metrics, in percent. */
function percentage(
  part: cloudwatch.IMetric,
  all: readonly cloudwatch.IMetric[],
): cloudwatch.MathExpression {
  const names = all.map((_, index) => `all${index}`);
  return new cloudwatch.MathExpression({
    expression: `100 * part / (${names.map((name) => `FILL(${name}, 0)`).join(' + ')})`,
    usingMetrics: {
      part,
      ...Object.fromEntries(all.map((metric, index) => [`all${index}`, metric])),
    },
    period: PERIOD,
    label: 'Errors, in percent',
  });
}

/**
 * The lines that `logger()` writes of errors in delivery, and those of an app without it. The function
 * logs in JSON, because filters read fields of nothing else.
 */
const FAILED_DELIVERY =
  '{ $.level = "ERROR" && ($.message.error.code = "ERR_DELIVERY_*" || $.message = "*ERR_DELIVERY_*") }';
