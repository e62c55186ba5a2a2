import { Annotations, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import { Alarms } from './alarms';
import { type AppFunctionContext, appFunction, connectionsArns, useFunction } from './app-function';
import { checkProps, checkStoreKind } from './check-props';
import { accessKindOf, connectAccess } from './connect-access';
import { ConnectionWrites, checkDirectWrites, DirectWrites } from './direct-writes';
import { domainPath, mapDomain } from './domain';
import { mistake } from './mistake';
import type { GatecastApiProps } from './props';
import type { _ManifestRoute } from './route-manifest';
import {
  apiArn,
  functionIntegration,
  mockIntegration,
  permit,
  ROUTES_WITHOUT_MANIFEST,
  Routes,
} from './routes';
import { newStage } from './stage';
import { type _BoundStore, Store } from './store';
import { TABLE_ACTIONS } from './table-definition';

/**
 * A WebSocket API with everything that a Gatecast app needs: API, stage, routes, function, table, roles
 * and logs.
 *
 * @example
 * const chat = new GatecastApi(this, 'Chat', { entry: 'server/app.ts' });
 * new CfnOutput(this, 'Url', { value: chat.url });
 */
export class GatecastApi extends Construct {
  /** The WebSocket API. */
  public readonly api: apigwv2.IWebSocketApi;
  /** Its stage. */
  public readonly stage: apigwv2.WebSocketStage;
  /** The function that handles all events. */
  public readonly handler: lambda.IFunction;
  /** The store's table; undefined for other stores. */
  public readonly table?: dynamodb.ITable;
  /** The address for clients: `wss://…`, at the custom domain if there is one. */
  public readonly url: string;
  /** The address that the app posts to: `https://…`. */
  public readonly callbackUrl: string;
  /** The alarms; empty unless `alarms` is set. */
  public readonly alarms: cloudwatch.Alarm[];

  private readonly store: _BoundStore;
  private readonly stageName: string;
  private readonly variables: { readonly [name: string]: string };

  constructor(scope: Construct, id: string, props: GatecastApiProps) {
    super(scope, id);
    checkProps(this, props);
    const { routes: manifest, domain } = props;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.stageName = props.stageName ?? 'prod';
    this.store = (props.store ?? Store.dynamoDb())._bind(this, removalPolicy);
    this.table = this.store.table;
    checkStoreKind(this, props, this.store);
    this.api =
      props.api ??
      new apigwv2.WebSocketApi(this, 'Api', { apiName: `${Stack.of(this).stackName}-${id}` });
    const { apiId } = this.api;
    if (domain?.disableDefaultEndpoint) disableDefaultEndpoint(this, this.api);

    const host = `${apiId}.execute-api.${Stack.of(this).region}.${Stack.of(this).urlSuffix}`;
    const defaultPath = `${host}/${this.stageName}`;
    const publicPath = domain === undefined ? defaultPath : domainPath(this, domain);
    const postsPath = domain?.disableDefaultEndpoint ? publicPath : defaultPath;
    this.url = `wss://${publicPath}`;
    this.callbackUrl = `https://${postsPath}`;
    this.variables = {
      GATECAST_API_ID: apiId,
      GATECAST_STAGE: this.stageName,
      ...this.store.environment,
      ...(domain?.disableDefaultEndpoint && { GATECAST_ENDPOINT: this.callbackUrl }),
    };

    const logGroup = props.logGroup ?? this.newHandlerLogs(props, removalPolicy);
    this.handler = this.handlerOf(props, logGroup);
    permit(this, 'HandlerPermission', {
      apiId,
      handler: this.handler,
      part: `${this.stageName}/*`,
    });

    const routeList = manifest?._data.routes ?? ROUTES_WITHOUT_MANIFEST;
    const access = connectAccess(this, { props, apiId, handler: this.handler });
    const integrations = new Construct(this, 'Integrations');
    const routes = new Routes(this, 'Routes', {
      apiId,
      routes: routeList,
      integration: functionIntegration(integrations, 'Handler', { apiId, handler: this.handler }),
      integrations: this.otherIntegrations(integrations, props, routeList),
      access,
    });
    this.stage = newStage(this, {
      api: this.api,
      stageName: this.stageName,
      throttle: props.throttle,
      routeThrottling: props.routeThrottling ?? {},
      detailedMetrics: props.detailedMetrics ?? false,
      accessLogGroup: this.accessLogGroupOf(props, removalPolicy),
      routeKeys: routeList.map(({ routeKey }) => routeKey),
    });
    // Otherwise the stage is there before its routes are.
    this.stage.node.addDependency(routes, integrations);
    if (props.cloudWatchRole) this.stage.node.addDependency(newAccountRole(this));
    if (domain !== undefined) mapDomain(this, this.stage, domain);
    this.alarms = props.alarms === undefined ? [] : this.newAlarms(props, logGroup);
  }

  /**
   * Lets something publish: post to connections, close them, and read and prune subscriptions in the
   * table. A Redis store also has to be reached through the network.
   */
  public grantPublish(grantee: iam.IGrantable): iam.Grant {
    const grant = this.grantManageConnections(grantee);
    const { table } = this.store;
    if (table === undefined) return grant;
    table.encryptionKey?.grantEncryptDecrypt(grantee);
    return grant.combine(
      iam.Grant.addToPrincipal({
        grantee,
        actions: [...TABLE_ACTIONS],
        resourceArns: [table.tableArn],
      }),
    );
  }

  /** Lets something post to connections and close them. */
  public grantManageConnections(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:ManageConnections'],
      resourceArns: connectionsArns(this, this.api.apiId, this.stageName),
    });
  }

  /** Lets an IAM identity connect, if the API has `Authorizer.iam()`. */
  public grantConnect(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: [apiArn(this, this.api.apiId, `${this.stageName}/$connect`)],
    });
  }

  /**
   * Lets a function publish with `createPublisher()`: the permissions of `grantPublish()`, and the
   * variables (`GATECAST_…`) by which it finds the API and the store.
   */
  public connectPublisher(publisher: lambda.Function): void {
    for (const [name, value] of Object.entries(this.variables)) {
      publisher.addEnvironment(name, value);
    }
    this.grantPublish(publisher);
  }

  /** A metric of the stage, by the name that API Gateway gives it. */
  public metric(metricName: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stage.metric(metricName, options);
  }

  /** Connections that were asked for. */
  public metricConnectCount(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ConnectCount', { statistic: 'Sum', ...options });
  }

  /** Messages, from clients and to them. */
  public metricMessageCount(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('MessageCount', { statistic: 'Sum', ...options });
  }

  /** Requests with a 4XX answer before an integration was called. */
  public metricClientError(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ClientError', { statistic: 'Sum', ...options });
  }

  /** Requests whose integration gave a 4XX or 5XX answer. */
  public metricIntegrationError(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('IntegrationError', { statistic: 'Sum', ...options });
  }

  /** Errors in calling an integration. */
  public metricExecutionError(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ExecutionError', { statistic: 'Sum', ...options });
  }

  /** How long integrations take, in milliseconds. */
  public metricIntegrationLatency(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('IntegrationLatency', options);
  }

  private handlerOf(
    props: GatecastApiProps,
    logGroup: logs.ILogGroup | undefined,
  ): lambda.IFunction {
    const context: AppFunctionContext = {
      props,
      apiId: this.api.apiId,
      stageName: this.stageName,
      store: this.store,
      environment: {
        ...this.variables,
        // So that the app can tell when its routes are older than its code.
        ...(props.routes !== undefined && { GATECAST_ROUTES: 'manifest' }),
      },
    };
    if (logGroup !== undefined) return appFunction(this, context, logGroup);
    const handler = props.handler as lambda.IFunction;
    useFunction(this, context, handler);
    return handler;
  }

  /** Integrations of the routes that the handler does not handle, by route key. */
  private otherIntegrations(
    scope: Construct,
    props: GatecastApiProps,
    routes: readonly _ManifestRoute[],
  ): ReadonlyMap<string, string> {
    const { apiId } = this.api;
    const integrations = new Map<string, string>();
    for (const { routeKey, integration, response = '' } of routes) {
      if (integration === 'mock') {
        integrations.set(routeKey, mockIntegration(scope, routeKey, { apiId, response }));
      }
    }
    if (props.connectionWrites !== ConnectionWrites.DIRECT) return integrations;
    const kind = accessKindOf(props);
    const table = checkDirectWrites(this, { manifest: props.routes, store: this.store, kind });
    const direct = new DirectWrites(this, 'DirectWrites', {
      apiId,
      stageName: this.stageName,
      table,
      keyPrefix: this.store.keyPrefix,
      hasAuthorizer: kind === 'app' || kind === 'function',
    });
    Annotations.of(this).addInfo(
      "With connectionWrites: DIRECT no function confirms a sub-protocol, so clients need handshake: 'query': " +
        "createClient({ url, handshake: 'query' }). Their token is then in the query of the address.",
    );
    return new Map([...integrations, ...direct.integrations]);
  }

  private newHandlerLogs(
    { handler }: GatecastApiProps,
    removalPolicy: RemovalPolicy,
  ): logs.ILogGroup | undefined {
    return handler === undefined ? newLogGroup(this, 'HandlerLogs', removalPolicy) : undefined;
  }

  private accessLogGroupOf(
    { accessLogs = true, accessLogGroup }: GatecastApiProps,
    removalPolicy: RemovalPolicy,
  ): logs.ILogGroup | undefined {
    if (!accessLogs) return undefined;
    return accessLogGroup ?? newLogGroup(this, 'AccessLogs', removalPolicy);
  }

  private newAlarms(
    { alarms, handler }: GatecastApiProps,
    logGroup: logs.ILogGroup | undefined,
  ): cloudwatch.Alarm[] {
    const own = handler === undefined ? (this.handler as lambda.Function) : undefined;
    const { all } = new Alarms(this, 'Alarms', {
      ...alarms,
      apiMetric: (name, options) => this.metric(name, options),
      handler: this.handler,
      timeout: own?.timeout,
      logGroup,
      table: this.table,
    });
    return [...all];
  }
}

function newLogGroup(scope: Construct, id: string, removalPolicy: RemovalPolicy): logs.LogGroup {
  return new logs.LogGroup(scope, id, { retention: logs.RetentionDays.ONE_MONTH, removalPolicy });
}

/** The account's role for access logs. It stays when the stack goes, because other APIs use it, too. */
function newAccountRole(scope: Construct): Construct {
  const parts = new Construct(scope, 'CloudWatchRole');
  const policy = 'service-role/AmazonAPIGatewayPushToCloudWatchLogs';
  const role = new iam.Role(parts, 'Role', {
    assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName(policy)],
  });
  role.applyRemovalPolicy(RemovalPolicy.RETAIN);
  acknowledge(
    role,
    `IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
    "It is the policy that API Gateway's documentation asks for, and one role serves the whole account.",
  );
  const account = new apigateway.CfnAccount(parts, 'Account', { cloudWatchRoleArn: role.roleArn });
  account.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return parts;
}

function disableDefaultEndpoint(scope: Construct, api: apigwv2.IWebSocketApi): void {
  const resource = api.node.defaultChild;
  if (!(resource instanceof apigwv2.CfnApi)) {
    throw mistake(
      scope,
      'domain.disableDefaultEndpoint cannot change an imported API.',
      'Set disableExecuteApiEndpoint where the API is made.',
    );
  }
  resource.disableExecuteApiEndpoint = true;
}
