import type { Resource } from './resource.js';

// Resource types without a local effect: the local gateway works without them.
const TYPES_WITHOUT_EFFECT =
  /^AWS::(?:ApiGatewayV2::(?:Deployment|DomainName)|ApiGateway::Account|CDK::Metadata|CloudWatch::\w+|Lambda::(?:Alias|Permission|Version)|IAM::\w+|Logs::\w+|Route53::\w+)$/;

/** Properties without an effect that a local client or function could see. */
const PROPERTIES_WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'ApiId',
  'Description',
  'DisableSchemaValidation',
  'IpAddressType',
  'Name',
  'OperationName',
  'Tags',
  // Permissions and logging do not concern the local gateway.
  'AuthorizerCredentialsArn',
  'CredentialsArn',
  'PermissionsBoundary',
  'Policies',
  'Role',
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
  Events: ': nothing but the API invokes functions',
  Layers: ': modules come from the node_modules of the function',
  StreamSpecification: ': tables have no streams',
};

/** One line for each resource and property of the template that does not run locally. */
export function unserved(resources: readonly Resource[]): readonly string[] {
  return resources.flatMap((resource) => {
    const { logicalId, type } = resource;
    if (!resource.isServed) {
      return TYPES_WITHOUT_EFFECT.test(type)
        ? []
        : [`"${logicalId}" (${type}) does not run locally${reasonOf(type)}.`];
    }
    return resource.unread
      .filter((name) => !PROPERTIES_WITHOUT_EFFECT.has(name))
      .map(
        (name) =>
          `Property "${name}" of "${logicalId}" (${type}) is ignored${REASONS[name] ?? ''}.`,
      );
  });
}

function reasonOf(type: string): string {
  if (type === 'AWS::ApiGatewayV2::ApiMapping') {
    return ': clients connect to the stage; --base-path serves the path of a custom domain';
  }
  if (type.endsWith('::Function')) return ': no route uses it';
  return /^AWS::ApiGatewayV2::(?!Api$)/.test(type) ? ': no part of the API refers to it' : '';
}
