import { Annotations, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge, resourceInFinding } from './acknowledge';
import { newHandler } from './handler';
import type { GatecastApiProps } from './props';
import { apiArn } from './routes';
import type { _BoundStore } from './store';
import { acknowledgeKeyActions, tableStatements } from './table-access';

/** What the function of an API has to know and may do. */
export interface AppFunctionContext {
  readonly props: GatecastApiProps;
  readonly apiId: string;
  readonly stageName: string;
  readonly store: _BoundStore;
  /** The variables by which the app finds its store and its API. */
  readonly environment: { readonly [name: string]: string };
}

/** What is done to connections by who only publishes. */
export const PUBLISHER_METHODS: readonly string[] = ['POST'];
/** What the app does to connections: posts to them and closes them. */
const APP_METHODS: readonly string[] = [...PUBLISHER_METHODS, 'DELETE'];

// What Lambda does in a VPC for a function, in its name (AWS: "Giving Lambda functions access to a VPC").
const VPC_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

const TRACING_ACTIONS = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];

/** The function of `entry`, and where it logs. */
export interface AppFunction {
  readonly handler: lambda.Function;
  readonly logGroup: logs.ILogGroup;
}

/** Makes the function of `entry`, whose role has the permissions that it needs and no others. */
export function newAppFunction(
  scope: Construct,
  context: AppFunctionContext,
  removalPolicy: RemovalPolicy,
): AppFunction {
  const { props, store } = context;
  const { entry = '', handlerOptions: options = {}, routes } = props;
  const logGroup =
    props.logGroup ??
    new logs.LogGroup(scope, 'HandlerLogs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy,
    });
  const { vpc = store.vpc, vpcSubnets, securityGroups } = props;
  const role =
    props.role ??
    new iam.Role(scope, 'HandlerRole', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
  const policy = appPolicy(scope, context, {
    role,
    statements: [
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
      ...(vpc === undefined
        ? []
        : [new iam.PolicyStatement({ actions: VPC_ACTIONS, resources: ['*'] })]),
      ...(options.tracing === undefined
        ? []
        : [new iam.PolicyStatement({ actions: TRACING_ACTIONS, resources: ['*'] })]),
    ],
  });
  if (vpc !== undefined) tellWayOut(scope);
  if (vpc !== undefined || options.tracing !== undefined) {
    acknowledge(policy, 'IAM5[Resource::*]', 'EC2 and X-Ray take no narrower resource.');
  }
  const handler = newHandler(scope, {
    entry,
    options,
    manifest: routes?._data,
    role,
    logGroup,
    environment: context.environment,
    network: vpc === undefined ? {} : { vpc, vpcSubnets, securityGroups },
  });
  // Lambda checks what it may do in the VPC when it makes the function.
  handler.node.addDependency(policy);
  return { handler, logGroup };
}

/** An immutable role, or one of another account, gets nothing. */
function tellIfDetached(scope: Construct, policy: iam.Policy): void {
  const { roles } = policy.node.defaultChild as iam.CfnPolicy;
  const attached = Stack.of(policy).resolve(roles) as unknown[] | undefined;
  if (attached !== undefined && attached.length > 0) return;
  const actions = policy.document.toJSON() as { Statement: { Action: string | string[] }[] };
  Annotations.of(scope).addInfoV2(
    '@gatecast/cdk-construct:roleStays',
    'The role cannot be changed here, so give it yourself what the app needs: ' +
      `${actions.Statement.flatMap(({ Action }) => Action).join(', ')}.`,
  );
}

function tellWayOut(scope: Construct): void {
  Annotations.of(scope).addWarningV2(
    '@gatecast/cdk-construct:vpcNeedsWayOut',
    "The function is in a VPC. It answers clients itself, but what it publishes goes to API Gateway's " +
      'public endpoint, so its subnets need a route there: a NAT gateway, a NAT instance or a firewall. ' +
      '(An interface endpoint for execute-api only serves private REST APIs, and with private DNS it hides ' +
      'the public endpoint.) If they have one, acknowledge this warning: ' +
      'Annotations.of(chat).acknowledgeWarning("@gatecast/cdk-construct:vpcNeedsWayOut").',
  );
}

/** The policy of the app, which belongs to this stack, whoever owns the role. */
export function appPolicy(
  scope: Construct,
  { apiId, stageName, store }: AppFunctionContext,
  {
    role,
    statements,
  }: {
    readonly role: iam.IRole;
    readonly statements: readonly iam.PolicyStatement[];
  },
): iam.Policy {
  const policy = new iam.Policy(scope, 'HandlerPolicy', {
    statements: [
      connectionsStatement(scope, apiId, stageName),
      ...(store.table === undefined ? [] : tableStatements(store.table, store.appActions)),
      ...statements,
    ],
  });
  role.attachInlinePolicy(policy);
  if (store.table?.encryptionKey !== undefined) acknowledgeKeyActions(policy);
  tellIfDetached(scope, policy);
  for (const arn of connectionsArns(scope, { apiId, stageName })) {
    acknowledge(
      policy,
      `IAM5[Resource::${resourceInFinding(policy, arn)}]`,
      'An app posts to any of its connections, whose ids nobody knows before.',
    );
  }
  return policy;
}

/** The ARNs of all connections of a stage, for the methods by which something uses them. */
export function connectionsArns(
  scope: Construct,
  { apiId, stageName }: { readonly apiId: string; readonly stageName: string },
  methods: readonly string[] = APP_METHODS,
): string[] {
  return methods.map((method) => apiArn(scope, apiId, `${stageName}/${method}/@connections/*`));
}

function connectionsStatement(
  scope: Construct,
  apiId: string,
  stageName: string,
): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ['execute-api:ManageConnections'],
    resources: connectionsArns(scope, { apiId, stageName }),
  });
}
