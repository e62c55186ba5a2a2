import type { Resource } from './resource.js';

// Resource types without a local effect: the local gateway works without them.
const TYPES_WITHOUT_EFFECT =
  /^AWS::(?:ApiGatewayV2::Deployment|Lambda::Permission|IAM::\w+|Logs::LogGroup)$/;

/** Properties without an effect that a local client or function could see. */
const PROPERTIES_WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'ApiId',
  'Description',
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
]);

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
      .map((name) => `Property "${name}" of "${logicalId}" (${type}) is ignored.`);
  });
}

function reasonOf(type: string): string {
  if (type.endsWith('::Function')) return ': no route uses it';
  return /^AWS::ApiGatewayV2::(?!Api$)/.test(type) ? ': no part of the API refers to it' : '';
}
