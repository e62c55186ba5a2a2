import type { Resource } from './resource.js';

// Nothing to run: what they arrange on AWS is so here without them.
const TYPES_WITHOUT_EFFECT =
  /^AWS::(?:ApiGatewayV2::Deployment|Lambda::Permission|IAM::\w+|Logs::LogGroup)$/;

/** Properties that change nothing of what a client or a function sees here. */
const PROPERTIES_WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'ApiId',
  'Description',
  'Name',
  'OperationName',
  'Tags',
  // Who may do what, and what is written about it, is no matter of the local gateway.
  'AuthorizerCredentialsArn',
  'CredentialsArn',
  'PermissionsBoundary',
  'Policies',
  'Role',
  'AccessLogSettings',
  'LoggingConfig',
  'Tracing',
  'TracingConfig',
  // How it is deployed.
  'Architectures',
  'AutoDeploy',
  'AutoPublishAlias',
  'DeploymentId',
  'DeploymentPreference',
  'FunctionName',
  'PackageType',
  'PublishToLatestPublished',
  'RuntimeManagementConfig',
  // What WebSocket APIs have one value for, or none.
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
        : [`"${logicalId}" (${type}) is not run locally${reasonOf(type)}.`];
    }
    return resource.unread
      .filter((name) => !PROPERTIES_WITHOUT_EFFECT.has(name))
      .map((name) => `Property "${name}" of "${logicalId}" (${type}) is ignored.`);
  });
}

function reasonOf(type: string): string {
  if (type.endsWith('::Function')) return ': no route leads to it';
  return /^AWS::ApiGatewayV2::(?!Api$)/.test(type) ? ': no part of the API refers to it' : '';
}
