import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { mistake } from './mistake';

/** What one looks for: which connection, what happened, who failed, how long it took. */
const ACCESS_LOG = {
  time: '$context.requestTimeEpoch',
  requestId: '$context.requestId',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  connectionId: '$context.connectionId',
  messageId: '$context.messageId',
  status: '$context.status',
  error: '$context.error.message',
  errorType: '$context.error.responseType',
  integrationStatus: '$context.integration.status',
  integrationError: '$context.integration.error',
  integrationLatency: '$context.integration.latency',
  authorizerStatus: '$context.authorizer.status',
  authorizerError: '$context.authorizer.error',
  authorizerLatency: '$context.authorizer.latency',
  sourceIp: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
} as const;

export interface NewStageProps {
  readonly api: apigwv2.IWebSocketApi;
  readonly stageName: string;
  readonly throttle?: apigwv2.ThrottleSettings;
  readonly routeThrottle?: { readonly [routeKey: string]: apigwv2.ThrottleSettings };
  readonly detailedMetricsEnabled?: boolean;
  readonly accessLogGroup?: logs.ILogGroup;
  readonly routeKeys: readonly string[];
}

/** Makes the stage, which deploys every change by itself. */
export function newStage(scope: Construct, props: NewStageProps): apigwv2.WebSocketStage {
  const { api, stageName, throttle, accessLogGroup, detailedMetricsEnabled } = props;
  const stage = new apigwv2.WebSocketStage(scope, 'Stage', {
    webSocketApi: api,
    stageName,
    autoDeploy: true,
    throttle,
    detailedMetricsEnabled,
    ...(accessLogGroup !== undefined && {
      accessLogSettings: {
        destination: new apigwv2.LogGroupLogDestination(accessLogGroup),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    }),
  });
  const routeSettings = routeSettingsOf(scope, props);
  if (routeSettings !== undefined) {
    (stage.node.defaultChild as apigwv2.CfnStage).routeSettings = routeSettings;
  }
  return stage;
}

/** CloudFormation takes this as free JSON, so the keys are written as it spells them. */
function routeSettingsOf(
  scope: Construct,
  { routeThrottle = {}, throttle, routeKeys, detailedMetricsEnabled }: NewStageProps,
): object | undefined {
  const entries = Object.entries(routeThrottle);
  if (entries.length === 0) return undefined;
  const unknown = entries.find(([key]) => !routeKeys.includes(key));
  if (unknown !== undefined) {
    throw mistake(
      scope,
      `routeThrottle names the route "${unknown[0]}", which the API does not have.`,
      `Its routes are: ${routeKeys.join(', ')}.`,
    );
  }
  // The settings of a route replace those of the stage as a whole.
  return Object.fromEntries(
    entries.map(([key, limits]) => [
      key,
      {
        ThrottlingRateLimit: limits.rateLimit ?? throttle?.rateLimit,
        ThrottlingBurstLimit: limits.burstLimit ?? throttle?.burstLimit,
        DetailedMetricsEnabled: detailedMetricsEnabled,
      },
    ]),
  );
}
