import { httpApis } from './http-apis.js';
import type { Resource } from './resource.js';

// Resource types without a local effect, and those that are read with what refers to them, such as roles.
const TYPES_WITHOUT_EFFECT =
  /^(?:Custom::CrossRegionExport(?:Reader|Writer)|AWS::(?:ApiGatewayV2::(?:Deployment|DomainName)|ApiGateway::Account|CDK::Metadata|CloudWatch::\w+|EC2::(?:\w*(?:VPC|Gateway|Route|Subnet|Acl|Endpoint)\w*|EIP|SecurityGroup\w*)|Lambda::(?:Alias|Permission|Version)|IAM::\w+|Logs::\w+|Route53::\w+))$/;

/** Properties without an effect that a local client or function could see. */
const PROPERTIES_WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'ApiId',
  'Description',
  'DisableSchemaValidation',
  'IpAddressType',
  'Name',
  'OperationName',
  'Tags',
  // What SAM makes the role of a function of.
  'AssumeRolePolicyDocument',
  'PermissionsBoundary',
  'Policies',
  'RolePath',
  // Logging does not concern the local gateway.
  'AccessLogSettings',
  'LoggingConfig',
  'Tracing',
  'TracingConfig',
  // Settings of the deployment.
  'Architectures',
  'AutoDeploy',
  'AutoPublishAlias',
  'DeploymentId',
  'DeploymentPreference',
  'FunctionName',
  'PackageType',
  'PublishToLatestPublished',
  'RuntimeManagementConfig',
  // Properties that WebSocket APIs do not use, or that can have only one value.
  'AuthorizerResultTtlInSeconds',
  'ConnectionType',
  'IntegrationMethod',
  'PayloadFormatVersion',
  'ContentType',
  // Settings of tables that do not change what requests get.
  'BillingMode',
  'ContributorInsightsSpecification',
  'DeletionProtectionEnabled',
  'KinesisStreamSpecification',
  'OnDemandThroughput',
  'PointInTimeRecoverySpecification',
  'ProvisionedThroughput',
  'Replicas',
  'SSESpecification',
  'TableClass',
  // DynamoDB itself may take days to delete an item.
  'TimeToLiveSpecification',
  'WarmThroughput',
  'WriteOnDemandThroughputSettings',
  'WriteProvisionedThroughputSettings',
]);

/** What to know about a property that is ignored. */
const REASONS: Readonly<Record<string, string>> = {
  DisableExecuteApiEndpoint:
    ': the stage is served; --base-path serves the path of a custom domain',
  Connectors: ': what it allows is not known here, so write it as "Policies"',
  Events: ': nothing but the API invokes functions',
  Layers: ': modules come from the node_modules of the function',
  StreamSpecification: ': tables have no streams',
  VpcConfig: ': functions reach what this machine reaches',
};

/**
 * One line for each kind of resource and each property of the template that does not run locally.
 *
 * @param problems why functions that nothing uses do not run
 */
export function unserved(
  resources: readonly Resource[],
  problems: ReadonlyMap<Resource, string>,
): readonly string[] {
  const { lines: httpLines, parts } = httpApis(resources);
  /** Logical ids by the rest of the line: a VPC alone has dozens of resources. */
  const lines = new Map<string, string[]>();
  for (const resource of resources) {
    if (parts.has(resource)) continue;
    for (const [id, rest] of resource.isServed
      ? unread(resource)
      : notRun(resource, problems.get(resource))) {
      lines.set(rest, [...(lines.get(rest) ?? []), id]);
    }
  }
  const others = [...lines].map(([rest, ids]) => {
    const [subject = '', ...more] = ids;
    if (more.length === 0) return `${subject}${rest}`;
    return `${ids.join(', ')}${rest.replace(' does not run', ' do not run')}`;
  });
  return [...httpLines, ...others];
}

/** The subject of a line and its rest. */
type Line = readonly [string, string];

function notRun({ logicalId, type }: Resource, problem: string | undefined): readonly Line[] {
  if (TYPES_WITHOUT_EFFECT.test(type)) return [];
  const reason = problem === undefined ? reasonOf(type) : `: ${problem}`;
  return [[`"${logicalId}"`, ` (${type}) does not run locally${reason || '.'}`]];
}

function unread(resource: Resource): readonly Line[] {
  const { logicalId, type } = resource;
  return resource.unread
    .filter((name) => !PROPERTIES_WITHOUT_EFFECT.has(name))
    .map((name) => [
      `Property "${name}" of "${logicalId}"`,
      ` (${type}) is ignored${REASONS[name] ?? ''}.`,
    ]);
}

function reasonOf(type: string): string {
  if (type === 'AWS::ApiGatewayV2::ApiMapping') {
    return ': clients connect to the stage; --base-path serves the path of a custom domain.';
  }
  if (type === 'AWS::Serverless::Connector') {
    return ': what it allows is not known here. Write it as "Policies" of the function.';
  }
  return /^AWS::ApiGatewayV2::(?!Api$)/.test(type) ? ': no part of the API refers to it.' : '';
}
