import { type Fields, fieldsOf, templateError } from './parse-template.js';
import type { Resource } from './resource.js';
import type { TemplateIntegration, TemplateRoute } from './template-api.js';

/** The resources that routes of an API refer to. */
export interface RouteSurroundings {
  readonly stage: Resource | undefined;
  readonly integrations: ReadonlyMap<string, TemplateIntegration>;
  readonly routeResponses: readonly Resource[];
  readonly models: readonly Resource[];
}

/** @throws StartError `ERR_TEMPLATE_INVALID` if the route has no valid target. */
export function readRoute(route: Resource, surroundings: RouteSurroundings): TemplateRoute {
  const { logicalId } = route.serve();
  const routeKey = route.requiredText('RouteKey', 'Write $connect, $default or a key of your own.');
  return {
    logicalId,
    routeKey,
    twoWay: isTwoWay(route, surroundings.routeResponses),
    integration: targetOf(route, surroundings.integrations),
    authorizationType: route.text('AuthorizationType') ?? 'NONE',
    authorizerId: route.text('AuthorizerId'),
    apiKeyRequired: route.flag('ApiKeyRequired'),
    modelSelectionExpression: route.text('ModelSelectionExpression'),
    requestModels: requestModelsOf(route, surroundings.models),
    throttle: throttleOf(routeKey, surroundings.stage),
  };
}

function targetOf(
  route: Resource,
  integrations: ReadonlyMap<string, TemplateIntegration>,
): TemplateIntegration {
  const hint = "Write Target: !Join ['/', [integrations, !Ref YourIntegration]].";
  const target = route.requiredText('Target', hint);
  const integration = integrations.get(target.replace(/^integrations\//, ''));
  if (integration === undefined || !target.startsWith('integrations/')) {
    throw templateError(
      `${route.where('Target')} is "${target}", which is not an integration of this API.`,
      hint,
    );
  }
  return integration;
}

/** A two-way route needs both (row 5.1). */
function isTwoWay(route: Resource, routeResponses: readonly Resource[]): boolean {
  if (route.text('RouteResponseSelectionExpression') === undefined) return false;
  return routeResponses
    .filter((response) => response.text('RouteId') === route.logicalId)
    .some((response) => response.serve().text('RouteResponseKey') === '$default');
}

/** The schemas of the models. */
function requestModelsOf(
  route: Resource,
  models: readonly Resource[],
): Readonly<Record<string, unknown>> | undefined {
  const names = route.textFields('RequestModels');
  if (names === undefined) return undefined;
  const schemas = Object.entries(names).map(([key, name]) => {
    const model = models.find((candidate) => candidate.text('Name') === name);
    if (model === undefined) {
      throw templateError(
        `${route.where('RequestModels')} refers to the model "${name}", which the template does not have.`,
        'Add an AWS::ApiGatewayV2::Model with that Name, or correct the name.',
      );
    }
    return [key, model.serve().value('Schema')];
  });
  return Object.fromEntries(schemas) as Record<string, unknown>;
}

function throttleOf(routeKey: string, stage: Resource | undefined): TemplateRoute['throttle'] {
  const shared = stage?.fields('DefaultRouteSettings') ?? {};
  const byRoute: Fields = stage?.fields('RouteSettings') ?? {};
  const own = Object.hasOwn(byRoute, routeKey)
    ? fieldsOf(byRoute[routeKey], `"RouteSettings.${routeKey}" of "${stage?.logicalId}"`)
    : {};
  const { ThrottlingRateLimit, ThrottlingBurstLimit } = { ...shared, ...own };
  if (ThrottlingRateLimit === undefined && ThrottlingBurstLimit === undefined) return undefined;
  return { rateLimit: numberOf(ThrottlingRateLimit), burstLimit: numberOf(ThrottlingBurstLimit) };
}

function numberOf(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}
