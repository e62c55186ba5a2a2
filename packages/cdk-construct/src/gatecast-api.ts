import { Annotations, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import { AccountRole } from './account-role';
import { Alarms } from './alarms';
import { connectionsArns, newAppFunction, PUBLISHER_METHODS } from './app-function';
import { checkApi, checkProps, checkStoreName } from './check-props';
import { collisionsOf } from './collisions';
import { addAuthorizer } from './connect-access';
import { ConnectionWrites, DirectWrites } from './direct-writes';
import { disableExecuteApiEndpoint, domainPath, mapDomain } from './domain';
import { checkNetwork, claim, connectExistingFunction } from './existing-function';
import { mistake } from './mistake';
import { areApart, checkPlaces, isMadeHere } from './place';
import type { GatecastApiProps } from './props';
import {
  addPermission,
  apiArn,
  checkCount,
  functionIntegration,
  mockIntegrations,
  ROUTES_WITHOUT_MANIFEST,
  Routes,
} from './routes';
import { tellShared } from './shared-store';
import { newStage } from './stage';
import { type _BoundStore, Store } from './store';
import { tableStatements } from './table-access';

/** Length of an API's name (CloudFormation: AWS::ApiGatewayV2::Api). */
const MOST_NAME = 128;

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
  /** The log group of the function of `entry`; undefined if `handler` is given. */
  public readonly logGroup?: logs.ILogGroup;
  /** The log group of the access logs; undefined if there are none. */
  public readonly accessLogGroup?: logs.ILogGroup;
  /** The table of the store or of its log; undefined if there is none. */
  public readonly table?: dynamodb.ITable;
  /** The address for clients: `wss://…`, at the custom domain if there is one. */
  public readonly url: string;
  /** The address that the app posts to: `https://…`. */
  public readonly callbackUrl: string;
  /** The alarms; empty unless `alarms` is set. */
  public readonly alarms: cloudwatch.Alarm[];

  /** The stacks of these parts cannot depend on this one. */
  private readonly taken: readonly IConstruct[];
  private readonly store: _BoundStore;
  private readonly stageName: string;
  private readonly hasIamAuthorizer: boolean;
  /** By these variables an app or a publisher finds the store and the API. */
  private readonly variables: { readonly [name: string]: string };

  constructor(scope: Construct, id: string, props: GatecastApiProps) {
    super(scope, id);
    checkProps(this, props);
    checkPlaces(this, props);
    this.taken = takenParts(props);
    const { domain, removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE } = props;
    this.stageName = props.stageName ?? 'prod';
    this.hasIamAuthorizer = props.authorizer?._kind === 'iam';
    this.store = (props.store ?? Store.dynamoDb())._bind(this, removalPolicy);
    this.table = this.store.table;
    checkStoreName(this, props, this.store);
    tellShared(this, this.store);
    this.api =
      props.api ??
      new apigwv2.WebSocketApi(this, 'Api', {
        apiName: `${Stack.of(this).stackName}-${id}`.slice(0, MOST_NAME),
      });
    checkApi(this, this.api);
    const { apiId } = this.api;

    const { region, urlSuffix } = Stack.of(this);
    const executeApi = `${apiId}.execute-api.${region}.${urlSuffix}/${this.stageName}`;
    const own = domain === undefined ? executeApi : domainPath(this, domain);
    const isDomainOnly = domain?.disableExecuteApiEndpoint ?? false;
    if (isDomainOnly) disableExecuteApiEndpoint(this, this.api);
    this.url = `wss://${own}`;
    this.callbackUrl = `https://${isDomainOnly ? own : executeApi}`;
    this.variables = {
      GATECAST_API_ID: apiId,
      GATECAST_STAGE: this.stageName,
      ...this.store.environment,
      ...(isDomainOnly && { GATECAST_ENDPOINT: this.callbackUrl }),
    };

    const context = {
      props,
      apiId,
      stageName: this.stageName,
      store: this.store,
      environment: {
        ...this.variables,
        // So that the app can tell when its routes are older than its code.
        ...(props.routes !== undefined && { GATECAST_ROUTES: 'manifest' }),
      },
    };
    if (props.handler === undefined) {
      const { handler, logGroup } = newAppFunction(this, context, removalPolicy);
      claim(this, handler);
      this.handler = handler;
      this.logGroup = logGroup;
    } else {
      connectExistingFunction(this, context, props.handler);
      this.handler = props.handler;
    }

    this.accessLogGroup = this.accessLogGroupOf(props, removalPolicy);
    this.stage = this.addRoutes(props);
    if (props.cloudWatchRole) {
      this.stage.node.addDependency(new AccountRole(this, 'CloudWatchRole'));
    }
    if (domain !== undefined) mapDomain(this, this.stage, domain);
    this.alarms =
      props.alarms === undefined
        ? []
        : new Alarms(this, 'Alarms', {
            ...props.alarms,
            apiMetric: (name, options) => this.metric(name, options),
            handler: this.handler,
            timeout:
              'timeout' in this.handler ? (this.handler as lambda.Function).timeout : undefined,
            logGroup: this.logGroup,
            table: this.table,
          }).all;
    this.node.addValidation({ validate: () => [...checkCount(this), ...collisionsOf(this)] });
  }

  /**
   * Lets something publish: post to connections, and read and write what publishing needs in the table,
   * with its key if it has one. A Redis store also has to be reached through the network.
   */
  public grantPublish(grantee: iam.IGrantable): iam.Grant {
    const grant = this.grantConnections(grantee, PUBLISHER_METHODS);
    const { table, publisherActions } = this.store;
    if (table === undefined) return grant;
    return tableStatements(table, publisherActions).reduce(
      (all, { actions, resources }) =>
        all.combine(iam.Grant.addToPrincipal({ grantee, actions, resourceArns: resources })),
      grant,
    );
  }

  /** Lets something post to connections and close them. */
  public grantManageConnections(grantee: iam.IGrantable): iam.Grant {
    return this.grantConnections(grantee);
  }

  /** Lets an IAM identity connect. The API needs `Authorizer.iam()`. */
  public grantConnect(grantee: iam.IGrantable): iam.Grant {
    if (!this.hasIamAuthorizer) {
      throw mistake(
        this,
        'grantConnect() has no effect, because IAM does not decide who connects.',
        'Pass authorizer: Authorizer.iam().',
      );
    }
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: [apiArn(this, this.api.apiId, `${this.stageName}/$connect`)],
    });
  }

  /**
   * Lets a function publish with `createPublisher()`: the permissions of `grantPublish()`, and the
   * variables (`GATECAST_…`) by which it finds the API and the store. For a Redis store the function has
   * to be in the cluster's VPC.
   */
  public connectPublisher(publisher: lambda.Function): void {
    this.checkPublisher(publisher);
    for (const [name, value] of Object.entries(this.variables)) {
      publisher.addEnvironment(name, value);
    }
    this.grantPublish(publisher);
  }

  /** A metric of the stage, by the name that API Gateway gives it. Average over 5 minutes by default. */
  public metric(metricName: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.stage.metric(metricName, options);
  }

  /** Attempts to connect. Sum over 5 minutes by default. */
  public metricConnectCount(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ConnectCount', { statistic: 'Sum', ...options });
  }

  /** Messages, from clients and to them. Sum over 5 minutes by default. */
  public metricMessageCount(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('MessageCount', { statistic: 'Sum', ...options });
  }

  /** Requests that API Gateway refused with a 4XX answer. Sum over 5 minutes by default. */
  public metricClientError(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ClientError', { statistic: 'Sum', ...options });
  }

  /** Requests whose integration answered with 4XX or 5XX. Sum over 5 minutes by default. */
  public metricIntegrationError(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('IntegrationError', { statistic: 'Sum', ...options });
  }

  /** Errors in calling an integration. Sum over 5 minutes by default. */
  public metricExecutionError(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('ExecutionError', { statistic: 'Sum', ...options });
  }

  /** How long integrations take, in milliseconds. Average over 5 minutes by default. */
  public metricIntegrationLatency(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('IntegrationLatency', options);
  }

  private grantConnections(grantee: iam.IGrantable, methods?: readonly string[]): iam.Grant {
    const { apiId } = this.api;
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:ManageConnections'],
      resourceArns: connectionsArns(this, { apiId, stageName: this.stageName }, methods),
    });
  }

  private checkPublisher(publisher: lambda.Function): void {
    const [own, other] = [Stack.of(this), Stack.of(publisher)];
    if (areApart(own, other)) {
      throw mistake(
        this,
        `the publisher "${publisher.node.path}" is in another account or Region than the API.`,
        "Publish from the API's account and Region.",
      );
    }
    const taken = other === own ? undefined : this.taken.find((each) => Stack.of(each) === other);
    if (taken !== undefined) {
      throw mistake(
        this,
        `the publisher "${publisher.node.path}" is in the stack of "${taken.node.path}", which the API needs, so ` +
          "it cannot get the API's id.",
        'Move the publisher to the stack of the API or to one that the API takes nothing from.',
      );
    }
    checkNetwork(this, this.store, publisher);
    claim(this, publisher);
  }

  /** The routes with their integrations and permissions, and the stage that serves them. */
  private addRoutes(props: GatecastApiProps): apigwv2.WebSocketStage {
    const { apiId } = this.api;
    const { handler, stageName } = this;
    const routes = props.routes?._data.routes ?? ROUTES_WITHOUT_MANIFEST;
    const permissions = new Construct(this, 'Permissions');
    addPermission(permissions, 'Handler', { apiId, handler, part: `${stageName}/*` });
    const access = addAuthorizer(this, { props, apiId, handler, permissions });
    const integrations = new Construct(this, 'Integrations');
    const handlerIntegration = functionIntegration(integrations, 'Handler', { apiId, handler });
    const ownIntegrations = new Map([
      ...mockIntegrations(integrations, apiId, routes),
      ...this.directWrites(integrations, props),
    ]);
    const all = new Routes(this, 'Routes', {
      apiId,
      routes,
      handlerIntegration,
      ownIntegrations,
      access,
    });
    const stage = newStage(this, {
      ...props,
      api: this.api,
      stageName,
      accessLogGroup: this.accessLogGroup,
      routeKeys: routes.map(({ routeKey }) => routeKey),
    });
    // Otherwise a route could be served before what it needs is there.
    all.node.addDependency(integrations, permissions);
    stage.node.addDependency(all, integrations, permissions);
    return stage;
  }

  private directWrites(scope: Construct, props: GatecastApiProps): ReadonlyMap<string, string> {
    if (props.connectionWrites !== ConnectionWrites.DIRECT) return new Map();
    Annotations.of(this).addInfoV2(
      '@gatecast/cdk-construct:directWritesNeedQuery',
      'With connectionWrites: DIRECT no function confirms a sub-protocol, so clients need the handshake ' +
        "by the query: createClient({ url, handshake: 'query' }). Their token is then in the address.",
    );
    const { apiId } = this.api;
    return new DirectWrites(scope, 'DirectWrites', { apiId, props, store: this.store })
      .integrations;
  }

  private accessLogGroupOf(
    { accessLogs = true, accessLogGroup }: GatecastApiProps,
    removalPolicy: RemovalPolicy,
  ): logs.ILogGroup | undefined {
    if (!accessLogs) return undefined;
    const retention = logs.RetentionDays.ONE_MONTH;
    return accessLogGroup ?? new logs.LogGroup(this, 'AccessLogs', { retention, removalPolicy });
  }
}

/** What was made in this app and is used by the API. */
function takenParts(props: GatecastApiProps): readonly IConstruct[] {
  const { handler, api, logGroup, accessLogGroup, role, vpc, domain, store } = props;
  return [
    handler,
    api,
    logGroup,
    accessLogGroup,
    role,
    vpc,
    domain?.existing,
    store?._table,
  ].filter((part): part is NonNullable<typeof part> => part !== undefined && isMadeHere(part));
}
