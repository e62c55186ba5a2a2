import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

/** Alarms on what a user of the app would notice. */
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

const PERIOD = Duration.minutes(1);
const SUM = { period: PERIOD, statistic: cloudwatch.Stats.SUM };

/** Alarms of one API. Each looks at three minutes, of which two have to be bad. */
export class Alarms extends Construct {
  public readonly all: readonly cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { apiMetric, handler, topic } = props;
    const alarms = [
      this.alarm(
        'IntegrationErrors',
        apiMetric('IntegrationError', SUM),
        'API Gateway got no answer.',
      ),
      this.alarm('HandlerErrors', handler.metricErrors(SUM), 'The function failed or timed out.'),
      this.alarm(
        'HandlerThrottles',
        handler.metricThrottles(SUM),
        'Lambda had no concurrency left for the function.',
      ),
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

  private alarm(
    id: string,
    metric: cloudwatch.IMetric,
    alarmDescription: string,
    threshold = 0,
  ): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, id, {
      metric,
      alarmDescription,
      threshold,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  private durationAlarm({ handler, timeout }: AlarmsProps): cloudwatch.Alarm[] {
    if (timeout === undefined) return [];
    const metric = handler.metricDuration({ period: PERIOD, statistic: 'p99' });
    const text = 'One event in a hundred takes more than 80 % of the time-out.';
    return [this.alarm('HandlerDuration', metric, text, timeout.toMilliseconds() * 0.8)];
  }

  private tableAlarm({ table }: AlarmsProps): cloudwatch.Alarm[] {
    if (table === undefined) return [];
    const throttles = new cloudwatch.MathExpression({
      expression: 'FILL(reads, 0) + FILL(writes, 0)',
      usingMetrics: {
        reads: table.metric('ReadThrottleEvents', SUM),
        writes: table.metric('WriteThrottleEvents', SUM),
      },
      period: PERIOD,
      label: 'Throttled requests',
    });
    return [this.alarm('TableThrottles', throttles, 'DynamoDB throttled the store.')];
  }

  /** Counts the lines of `onError` about deliveries. */
  private deliveryAlarm({ logGroup }: AlarmsProps): cloudwatch.Alarm[] {
    if (logGroup === undefined) return [];
    const filter = new logs.MetricFilter(this, 'FailedDeliveriesFilter', {
      logGroup,
      filterPattern: logs.FilterPattern.literal(FAILED_DELIVERY),
      metricNamespace: 'Gatecast',
      metricName: `FailedDeliveries-${this.node.addr}`,
      metricValue: '1',
      defaultValue: 0,
    });
    const text = 'Events did not reach their subscribers, or API Gateway refused to be posted to.';
    return [this.alarm('FailedDeliveries', filter.metric(SUM), text)];
  }
}

/**
 * The lines that `logger()` writes of errors in delivery, and those of an app without it. The function
 * logs in JSON, because filters read fields of nothing else.
 */
const FAILED_DELIVERY =
  '{ $.level = "ERROR" && ($.message.error.code = "ERR_DELIVERY_*" || $.message = "*ERR_DELIVERY_*") }';
