/** A part of a template whose absence no session can notice, with the reason. */
export interface Exemption {
  /** The name of the part, or what it matches. */
  readonly part: string | RegExp;
  readonly reason: string;
}

/** The reason why nobody has to notice that a part is missing; `undefined` if somebody has to. */
export function reasonToExempt(name: string, exemptions: readonly Exemption[]): string | undefined {
  const isMeant = ({ part }: Exemption): boolean =>
    typeof part === 'string' ? part === name : part.test(name);
  return [...EXEMPTIONS, ...exemptions].find(isMeant)?.reason;
}

/** What no client and no function of a session can notice, here or on AWS. */
const EXEMPTIONS: readonly Exemption[] = [
  exempt('Description|Name|OperationName|Tags', 'a name for people'),
  exempt(
    'AccessLogSettings|DefaultRouteSettings|LoggingConfig|RouteSettings|Tracing|TracingConfig',
    'logs and traces, and limits that a session does not reach',
  ),
  exempt(
    'Architectures|MemorySize|EphemeralStorage|ReservedConcurrentExecutions|Runtime|RuntimeManagementConfig|SnapStart|Timeout|TimeoutInMillis',
    'how much a function may use',
  ),
  exempt(
    'BillingMode|ContributorInsightsSpecification|DeletionProtectionEnabled|OnDemandThroughput|PointInTimeRecoverySpecification|ProvisionedThroughput|SSESpecification|TableClass|TimeToLiveSpecification|WarmThroughput|WriteOnDemandThroughputSettings',
    'what DynamoDB does beside its answers, or days later',
  ),
  exempt(
    'AutoDeploy|AutoPublishAlias|DeploymentId|DisableExecuteApiEndpoint|FunctionName|IpAddressType|ManagedPolicyName|MaxSessionDuration|Path|RoleName|TableName',
    'the deployment, or the name that AWS would choose',
  ),
  exempt(
    'AuthorizationType|ConnectionType|IntegrationMethod|PassthroughBehavior|PayloadFormatVersion',
    'AWS takes the same value by default, or there is only one',
    'is "NONE"|is "INTERNET"|is "POST"|is "1\\.0"|is "WHEN_NO_MATCH"',
  ),
  exempt('VpcConfig', 'networks, which functions here are not in'),
  {
    part: /ManagedPolicyArns \((?:AWSLambda(?:Basic|VPCAccess)ExecutionRole(?:, )?)+\)$/,
    reason: 'logs and network interfaces',
  },
  {
    part: /: (?:action |statement \d+ \()(?:logs|xray|cloudwatch|ec2):/i,
    reason: 'logs, traces and networks',
  },
  {
    part: /: property (?:PermissionsBoundary|Source(?:Account|Arn))\b/,
    reason: 'without it, more is allowed, which a session does not try',
  },
];

/** @param value - Only properties with this value, which is in the name. @default any */
function exempt(properties: string, reason: string, value = ''): Exemption {
  const shown = value === '' ? '(?: \\(.*\\))?' : ` \\((?:${value})\\)`;
  const part = new RegExp(`: (?:property|entry \\d+ of) (?:${properties})(?:\\.\\w+)*${shown}$`);
  return { part, reason };
}
