import type { LocalRoute } from '../make-deployment.js';
import { FUNCTION_URI_HINT } from './identities.js';
import type { TemplateApi, TemplateIntegration, TemplateRoute } from './template-api.js';
import { templateError } from './template-error.js';

type Warn = (text: string) => void;

/**
 * Turns the routes of a template into those of the gateway.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` when an integration cannot run locally.
 */
export function gatewayRoutes(api: TemplateApi, warn: Warn): LocalRoute[] {
  if (api.apiKeySelectionExpression !== undefined) {
    warn('Property "ApiKeySelectionExpression" of the API is ignored.');
  }
  return api.routes.map((route) => {
    warnOfRest(route, warn);
    const { routeKey, twoWay, integration } = route;
    const { timeoutMs } = integration;
    return { routeKey, twoWay, timeoutMs, ...targetOf(integration) };
  });
}

// ---------------------------------------------------------------------------------------------
// What GatewayRoute does not take yet. When it takes full integrations, models, keys, IAM and
// throttles, `targetOf` passes `route.integration` on, `gatewayRoutes` the fields of the route that
// `warnOfRest` names, and the rest of this section goes.
// ---------------------------------------------------------------------------------------------

function targetOf(
  integration: TemplateIntegration,
): Pick<LocalRoute, 'integration' | 'function' | 'response'> {
  const { logicalId, type, functionName } = integration;
  if (type === 'MOCK') {
    return { integration: 'mock', response: staticResponse(integration) };
  }
  if (type !== 'AWS_PROXY') {
    throw templateError(
      `"IntegrationType" of "${logicalId}" is "${type}", which does not run locally.`,
      'Make it AWS_PROXY or MOCK, or take its routes out of the template with a Condition.',
    );
  }
  if (functionName === undefined) {
    throw templateError(
      `"IntegrationUri" of "${logicalId}" is "${integration.uri ?? ''}", which leads to no Lambda function.`,
      FUNCTION_URI_HINT,
    );
  }
  return { function: functionName };
}

/** The answer of a mock integration that is the same for every message. */
function staticResponse({ logicalId, responses }: TemplateIntegration): string | undefined {
  const response =
    responses.find(({ integrationResponseKey: key }) => /^\/.+\/$/.test(key) && matches200(key)) ??
    responses.find(({ integrationResponseKey: key }) => key === '$default');
  const { responseTemplates = {}, templateSelectionExpression = '' } = response ?? {};
  // Both spellings occur (row 8.3); without an expression it is the media type (row 8.2).
  const keys = [templateSelectionExpression, '$default', '\\$default', 'application/json'];
  const key = keys.find((candidate) => Object.hasOwn(responseTemplates, candidate));
  const template = key === undefined ? undefined : responseTemplates[key];
  if (template !== undefined && /[$#]/.test(template)) {
    throw templateError(
      `A response template of "${logicalId}" is not static: ${JSON.stringify(template)}.`,
      'Leave out what begins with "$" or "#", or give the route a Lambda function.',
    );
  }
  return template;
}

function matches200(key: string): boolean {
  return new RegExp(`^(?:${key.slice(1, -1)})$`).test('200');
}

function warnOfRest(route: TemplateRoute, warn: Warn): void {
  const { logicalId, integration } = route;
  const { authorizationType, routeKey } = route;
  const rest = {
    ApiKeyRequired: route.apiKeyRequired,
    // Only $connect has an authorizer (row 4.1).
    AuthorizationType:
      authorizationType !== 'NONE' && !(authorizationType === 'CUSTOM' && routeKey === '$connect'),
    ModelSelectionExpression: route.modelSelectionExpression !== undefined,
    RequestModels: route.requestModels !== undefined,
  };
  for (const [property, isThere] of Object.entries(rest)) {
    if (isThere) warn(`Property "${property}" of "${logicalId}" is ignored.`);
  }
  if (route.throttle !== undefined) {
    warn(`The throttling of "${routeKey}" in the settings of the stage is ignored.`);
  }
  if (integration.requestParameters !== undefined) {
    warn(`Property "RequestParameters" of "${integration.logicalId}" is ignored.`);
  }
  if (integration.contentHandlingStrategy !== undefined) {
    warn(`Property "ContentHandlingStrategy" of "${integration.logicalId}" is ignored.`);
  }
}
