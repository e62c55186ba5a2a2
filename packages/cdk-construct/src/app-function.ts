import { Annotations, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge, resourceInFinding } from './acknowledge';
import { newHandler } from './handler';
import { mistake } from './mistake';
import type { GatecastApiProps } from './props';
import { apiArn } from './routes';
import { type _BoundStore, _tableStatement } from './store';

/** What the function of an API has to know and may do. */
export interface AppFunctionContext {
  readonly props: GatecastApiProps;
  readonly apiId: string;
  readonly stageName: string;
  readonly store: _BoundStore;
  /** The variables by which the app finds its store and its API. */
  readonly environment: { readonly [name: string]: string };
}

/** What the app does to connections: posts to them and closes them. */
const CONNECTIONS_METHODS: readonly string[] = ['POST', 'DELETE'];

// What Lambda does in a VPC for a function, in its name (AWS: "Giving Lambda functions access to a VPC").
const VPC_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

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
    ],
  });
  if (vpc !== undefined) {
    acknowledge(policy, 'IAM5[Resource::*]', 'EC2 takes no narrower resource for interfaces.');
    tellWayOut(scope);
  }
  if (options.tracing === lambda.Tracing.ACTIVE) {
    acknowledge(role, 'IAM5[Resource::*]', 'X-Ray takes no narrower resource.');
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

/** Gives a function that exists what the app needs, as far as that is possible. Returns the function. */
export function connectExistingFunction(
  scope: Construct,
  context: AppFunctionContext,
  given: lambda.IFunction | undefined,
): lambda.IFunction {
  const handler = given as lambda.IFunction;
  const own = Stack.of(scope);
  const isForeign = Stack.of(handler) !== own;
  const { store } = context;
  if (isForeign && store.table !== undefined && Stack.of(store.table) === own) {
    throw mistake(
      scope,
      `the handler is in the stack "${Stack.of(handler).stackName}" and would need the name of a table ` +
        `of "${own.stackName}", which itself needs the handler.`,
      "Make the table in the handler's stack and pass it: Store.dynamoDb({ table, keyPrefix }).",
    );
  }
  // The id of the API would make the handler's stack depend on this one. The app reads it in events.
  const { GATECAST_API_ID: _apiId, ...withoutApi } = context.environment;
  const variables = Object.entries(isForeign ? withoutApi : context.environment);
  if ('addEnvironment' in handler) {
    for (const [name, value] of variables) {
      (handler as lambda.Function).addEnvironment(name, value);
    }
  } else {
    const texts = variables.map(([name, value]) =>
      Token.isUnresolved(value) ? name : `${name}=${value}`,
    );
    Annotations.of(scope).addInfoV2(
      '@gatecast/cdk-construct:handlerVariables',
      `The handler was not made in this app, so set its variables yourself: ${texts.join(', ')}.`,
    );
  }
  if (handler.role === undefined) {
    Annotations.of(scope).addWarningV2(
      '@gatecast/cdk-construct:handlerWithoutRole',
      'The role of the handler is not known, so it gets no permissions. It needs ' +
        'execute-api:ManageConnections for this API, and the actions of the store on its table. Import ' +
        'it with its role: Function.fromFunctionAttributes(this, id, { functionArn, role }).',
    );
    return handler;
  }
  appPolicy(scope, context, { role: handler.role, statements: [] });
  return handler;
}

/** The policy of the app, which belongs to this stack, whoever owns the role. */
function appPolicy(
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
      ...(store.table === undefined ? [] : [_tableStatement(store.table)]),
      ...statements,
    ],
  });
  role.attachInlinePolicy(policy);
  store.table?.encryptionKey?.grantEncryptDecrypt(role);
  for (const arn of connectionsArns(scope, apiId, stageName)) {
    acknowledge(
      policy,
      `IAM5[Resource::${resourceInFinding(policy, arn)}]`,
      'An app posts to any of its connections, whose ids nobody knows before.',
    );
  }
  return policy;
}

export function connectionsArns(scope: Construct, apiId: string, stageName: string): string[] {
  return CONNECTIONS_METHODS.map((method) =>
    apiArn(scope, apiId, `${stageName}/${method}/@connections/*`),
  );
}

function connectionsStatement(
  scope: Construct,
  apiId: string,
  stageName: string,
): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ['execute-api:ManageConnections'],
    resources: connectionsArns(scope, apiId, stageName),
  });
}
