import { actionIn } from '../../gateway/aws-service.js';
import type { Integration } from '../../gateway/routes/integration-options.js';
import type { LocalAuthorizer, LocalRoute } from '../make-deployment.js';
import { functionUriHint, otherServiceIn } from './identities.js';
import { templateError } from './parse-template.js';
import type { Roles } from './read-roles.js';
import type {
  TemplateApi,
  TemplateAuthorizer,
  TemplateIntegration,
  TemplateRoute,
} from './template-api.js';

/**
 * Converts the routes of a template to those of the gateway.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if an integration cannot run locally.
 */
export function gatewayRoutes(api: TemplateApi, roles: Roles): LocalRoute[] {
  return api.routes.map((route) => ({
    routeKey: route.routeKey,
    twoWay: route.twoWay,
    function: functionOf(route.integration),
    qualifier: route.integration.qualifier,
    timeoutMs: route.integration.timeoutMs,
    integration: integrationOf(route.integration, roles),
    // The authorizer is set for the whole API, because only $connect can have one (row 4.1).
    authorizationType: route.authorizationType === 'AWS_IAM' ? 'AWS_IAM' : undefined,
    apiKeyRequired: route.apiKeyRequired,
    requestModels: route.requestModels as LocalRoute['requestModels'],
    modelSelectionExpression: route.modelSelectionExpression,
    throttle: throttleOf(route),
  }));
}

/** Converts the authorizer of a template to that of the gateway. */
export function gatewayAuthorizer(
  { logicalId, functionName, qualifier, identitySources, credentialsArn }: TemplateAuthorizer,
  roles: Roles,
): LocalAuthorizer {
  return {
    authorizerId: logicalId,
    function: functionName,
    qualifier,
    identitySources,
    credentials: credentialsOf(credentialsArn, `the authorizer "${logicalId}"`, roles),
  };
}

/** The role with an ARN; only the ARN if nobody knows the role. */
function credentialsOf(
  arn: string | undefined,
  user: string,
  roles: Roles,
): Integration['credentials'] {
  return arn === undefined ? undefined : (roles.ofArn(arn, user) ?? { arn });
}

/** The name of the function; `undefined` for a mock and for DynamoDB. */
function functionOf(integration: TemplateIntegration): string | undefined {
  const { logicalId, type, functionName, uri } = integration;
  if (type === 'MOCK') return undefined;
  if (type !== 'AWS_PROXY' && type !== 'AWS') {
    throw templateError(
      `"IntegrationType" of "${logicalId}" is "${type}", which does not run locally.`,
      'Make it AWS_PROXY, AWS or MOCK, or exclude its routes with a Condition.',
    );
  }
  if (callsDynamoDb(integration)) {
    checkDynamoDb(integration);
    return undefined;
  }
  const service = uri === undefined ? undefined : otherServiceIn(uri);
  if (service !== undefined) {
    throw templateError(
      `"IntegrationUri" of "${logicalId}" calls the AWS service "${service}", which does not run locally.`,
      'DynamoDB does. Let a Lambda function call it, or exclude its routes with a Condition.',
    );
  }
  if (functionName === undefined) {
    throw templateError(
      `"IntegrationUri" of "${logicalId}" is "${uri ?? ''}", which does not contain a Lambda function.`,
      functionUriHint(uri),
    );
  }
  return functionName;
}

function callsDynamoDb({ uri = '' }: TemplateIntegration): boolean {
  return actionIn(uri)?.service === 'dynamodb';
}

/** What API Gateway or DynamoDB would refuse. */
function checkDynamoDb(integration: TemplateIntegration): void {
  const { logicalId, type, method = '', credentialsArn } = integration;
  if (type !== 'AWS') {
    throw templateError(
      `"IntegrationType" of "${logicalId}" is "${type}", but its URI calls DynamoDB, which has no proxy integration.`,
      'Make it AWS.',
    );
  }
  if (method !== 'POST') {
    throw templateError(
      `"IntegrationMethod" of "${logicalId}" is "${method}", but DynamoDB only takes POST.`,
      'Write IntegrationMethod: POST.',
    );
  }
  if (credentialsArn === undefined) {
    throw templateError(
      `"${logicalId}" calls DynamoDB without a role, so DynamoDB would refuse each call.`,
      'Write CredentialsArn: !GetAtt YourRole.Arn.',
    );
  }
}

/** The gateway checks the values. */
function integrationOf(integration: TemplateIntegration, roles: Roles): Integration | undefined {
  const { logicalId, type, responses, requestTemplates, templateSelectionExpression } = integration;
  const credentials = credentialsOf(
    integration.credentialsArn,
    `the integration "${logicalId}"`,
    roles,
  );
  if (type === 'AWS_PROXY') return credentials && { type, credentials };
  return {
    credentials,
    type: type as Integration['type'],
    integrationUri: callsDynamoDb(integration) ? integration.uri : undefined,
    requestTemplates,
    templateSelectionExpression,
    passthroughBehavior: integration.passthroughBehavior as Integration['passthroughBehavior'],
    requestParameters: integration.requestParameters,
    contentHandlingStrategy:
      integration.contentHandlingStrategy as Integration['contentHandlingStrategy'],
    responses: responses as Integration['responses'],
  };
}

/** If a route has only one of its limits, the other one is that of the account (row 7.3). */
function throttleOf({ throttle }: TemplateRoute): LocalRoute['throttle'] {
  if (throttle === undefined) return undefined;
  const { rateLimit = 10_000, burstLimit = 5_000 } = throttle;
  return { rateLimit, burstLimit };
}
