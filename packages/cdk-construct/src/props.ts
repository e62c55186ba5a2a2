import type { RemovalPolicy } from 'aws-cdk-lib';
import type * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { AlarmOptions } from './alarms';
import type { Authorizer } from './authorizer';
import type { ConnectionWrites } from './direct-writes';
import type { DomainOptions } from './domain';
import type { HandlerOptions } from './handler';
import type { RouteManifest } from './route-manifest';
import type { Store } from './store';

/** Properties of a {@link GatecastApi}: `entry` or `handler`, and whatever exists already. */
export interface GatecastApiProps {
  /**
   * The file that exports the app's handler, absolute or relative to the current directory:
   * `server/app.ts`. It is bundled with esbuild, which has to be installed.
   *
   * @default - none; required unless `handler` is given
   */
  readonly entry?: string;
  /**
   * A function that runs the app, in this stack or another. One of another stack needs a `store` whose
   * table is not of this stack.
   *
   * @default - a new function of `entry`
   */
  readonly handler?: lambda.IFunction;
  /**
   * Settings of the function of `entry`.
   *
   * @default - 1024 MB, 29 seconds, Node.js 24 on arm64
   */
  readonly handlerOptions?: HandlerOptions;
  /**
   * The app's routes, which `gatecast manifest` writes. With it, each message has a route with its own
   * metrics and throttling, and the app's authorizer runs as a Lambda authorizer.
   *
   * @default - all messages reach the app by `$default`, and its authorizer, if any, runs in `$connect`
   */
  readonly routes?: RouteManifest;
  /**
   * Where connections and subscriptions are.
   *
   * @default - Store.dynamoDb(), with a new table
   */
  readonly store?: Store;
  /**
   * Who decides at the API whether a client may connect. An app with an authorizer of its own still asks
   * it in `$connect`, unless the identity comes with the event.
   *
   * @default - the app's own function as Lambda authorizer if the manifest says that it has one, else none
   */
  readonly authorizer?: Authorizer;
  /**
   * An API without routes and without a stage of this name. Its route selection expression is
   * `$request.body.action`.
   *
   * @default - a new one
   */
  readonly api?: apigwv2.IWebSocketApi;
  /**
   * Name of the stage, the last part of the address.
   *
   * @default 'prod'
   */
  readonly stageName?: string;
  /**
   * Who writes the row of a connection.
   *
   * @default ConnectionWrites.LAMBDA
   */
  readonly connectionWrites?: ConnectionWrites;
  /**
   * A custom domain.
   *
   * @default - none
   */
  readonly domain?: DomainOptions;
  /**
   * Most messages per second for each route, and how many may come at once.
   *
   * @default - the account's limits
   */
  readonly throttle?: apigwv2.ThrottleSettings;
  /**
   * Other limits for single routes, by route key: `rooms.post`.
   *
   * @default - none
   */
  readonly routeThrottle?: { [routeKey: string]: apigwv2.ThrottleSettings };
  /**
   * Whether metrics are also counted for each route, which costs extra.
   *
   * @default false
   */
  readonly detailedMetricsEnabled?: boolean;
  /**
   * Whether the stage writes a line of JSON for each connection and message. API Gateway needs a role for
   * it, once in an account and Region: see `cloudWatchRole`.
   *
   * @default true
   */
  readonly accessLogs?: boolean;
  /**
   * Log group of access logs.
   *
   * @default - a new one, kept for a month
   */
  readonly accessLogGroup?: logs.ILogGroup;
  /**
   * Makes the role by which API Gateway writes access logs, and sets it for the whole account and Region,
   * in place of one that is set already. Without any, a deployment with access logs fails with
   * "CloudWatch Logs role ARN must be set in account settings".
   *
   * @default false
   */
  readonly cloudWatchRole?: boolean;
  /**
   * Log group of the function of `entry`.
   *
   * @default - a new one, kept for a month
   */
  readonly logGroup?: logs.ILogGroup;
  /**
   * Role of the function of `entry`. It gets a policy of this stack with the permissions that the app
   * needs, unless it is imported with `mutable: false`.
   *
   * @default - a new one with only these permissions
   */
  readonly role?: iam.IRole;
  /**
   * VPC of the function of `entry`. Its subnets need a way to API Gateway's public endpoint, such as a NAT
   * gateway.
   *
   * @default - that of `Store.redis()`, else none
   */
  readonly vpc?: ec2.IVpc;
  /**
   * Subnets of the function of `entry`.
   *
   * @default - the VPC's default strategy: private subnets with egress, if there are any
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Security groups of the function of `entry`.
   *
   * @default - a new one, if there is a VPC
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
  /**
   * Alarms; pass `{}` for alarms that tell nobody.
   *
   * @default - none
   */
  readonly alarms?: AlarmOptions;
  /**
   * What becomes of the table and the log groups when they are removed from the stack, or the stack is
   * deleted.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, which leaves nothing of a deployment that failed
   */
  readonly removalPolicy?: RemovalPolicy;
}
