import { CfnResource, Stack } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import type { _ManifestRoute } from './route-manifest';

/** The routes of an API without a manifest: the app finds the handler of a message by its action. */
export const ROUTES_WITHOUT_MANIFEST: readonly _ManifestRoute[] = [
  { routeKey: '$connect', integration: 'lambda', twoWay: false },
  { routeKey: '$disconnect', integration: 'lambda', twoWay: false },
  { routeKey: '$default', integration: 'lambda', twoWay: true },
  { routeKey: 'ping', integration: 'mock', twoWay: true, response: '{"type":"pong"}' },
];

/** CloudFormation's limit for one stack (AWS CloudFormation quotas). */
const MOST_RESOURCES = 500;

/** Who may connect, as properties of the route `$connect`. */
export interface ConnectAccess {
  readonly authorizationType: 'NONE' | 'AWS_IAM' | 'CUSTOM';
  readonly authorizerId?: string;
  /** Whether the user has said that everybody may connect. */
  readonly isOpenByChoice?: boolean;
}

export interface RoutesProps {
  readonly apiId: string;
  readonly routes: readonly _ManifestRoute[];
  /** The integration of the handler. */
  readonly handlerIntegration: string;
  /** The integrations of routes that the handler does not handle, by route key. */
  readonly ownIntegrations: ReadonlyMap<string, string>;
  readonly access: ConnectAccess;
}

/**
 * The routes of the API. They are L1 resources, because the L2 makes an integration and a permission for
 * each route: 100 routes would be 403 resources, and the function's policy too long.
 */
export class Routes extends Construct {
  constructor(scope: Construct, id: string, props: RoutesProps) {
    super(scope, id);
    for (const route of props.routes) this.add(route, props);
  }

  private add({ routeKey, twoWay }: _ManifestRoute, props: RoutesProps): void {
    const { apiId, handlerIntegration, ownIntegrations } = props;
    const { isOpenByChoice, ...access } = props.access;
    const isConnect = routeKey === '$connect';
    // Construct ids cannot have slashes, and CDK would replace them by what another key may have.
    const id = routeKey.replaceAll('/', '%2F');
    const route = new apigwv2.CfnRoute(this, `${id}Route`, {
      apiId,
      routeKey,
      ...(isConnect ? access : { authorizationType: 'NONE' }),
      ...(twoWay && { routeResponseSelectionExpression: '$default' }),
      target: `integrations/${ownIntegrations.get(routeKey) ?? handlerIntegration}`,
    });
    if (!isConnect || isOpenByChoice) {
      acknowledge(
        route,
        'APIG4',
        isConnect
          ? 'Authorizer.none(): the API lets everybody connect.'
          : 'A WebSocket API authorizes connections, on $connect; its other routes cannot.',
      );
    }
    if (!twoWay) return;
    new apigwv2.CfnRouteResponse(this, `${id}Response`, {
      apiId,
      routeId: route.ref,
      routeResponseKey: '$default',
    });
  }
}

/** Says what to do if the stack has more resources than CloudFormation takes. */
export function checkCount(scope: Construct): string[] {
  const resources = Stack.of(scope)
    .node.findAll()
    .filter((each): each is CfnResource => CfnResource.isCfnResource(each))
    .filter((each) => Stack.of(each) === Stack.of(scope));
  if (resources.length <= MOST_RESOURCES) return [];
  const isRoute = (each: CfnResource): boolean =>
    each instanceof apigwv2.CfnRoute || each instanceof apigwv2.CfnRouteResponse;
  const routes = resources.filter(isRoute).length;
  return [
    `The stack has ${resources.length} resources, ${routes} of them routes and route responses, and ` +
      `CloudFormation takes ${MOST_RESOURCES}. Leave "routes" out, so that all messages reach the app by ` +
      '$default; or give the API a stack of its own; or make messages one-way: ' +
      '@OnMessage({ reply: false }).',
  ];
}

/** What a function needs to handle routes: one integration, whose permission `permit` adds. */
export function functionIntegration(
  scope: Construct,
  id: string,
  { apiId, handler }: { apiId: string; handler: lambda.IFunction },
): string {
  return new apigwv2.CfnIntegration(scope, id, {
    apiId,
    integrationType: 'AWS_PROXY',
    integrationUri: invocationUri(scope, handler),
  }).ref;
}

/** Where API Gateway invokes a function. */
export function invocationUri(scope: Construct, { functionArn }: lambda.IFunction): string {
  const { partition, region } = Stack.of(scope);
  return `arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;
}

/**
 * Lets the API invoke a function, for a part of it: `prod/*`, `authorizers/ID`. One permission a function
 * suffices, and its policy has a limit of 20 KB.
 */
export function addPermission(
  scope: Construct,
  id: string,
  { apiId, handler, part }: { apiId: string; handler: lambda.IFunction; part: string },
): void {
  new lambda.CfnPermission(scope, id, {
    action: 'lambda:InvokeFunction',
    functionName: handler.functionArn,
    principal: 'apigateway.amazonaws.com',
    sourceArn: apiArn(scope, apiId, part),
  });
}

/** The ARN of a part of an API: `prod/*`, `prod/POST/@connections/*`. */
export function apiArn(scope: Construct, apiId: string, part: string): string {
  return Stack.of(scope).formatArn({
    service: 'execute-api',
    resource: apiId,
    resourceName: part,
  });
}

/** Integrations of the routes that API Gateway itself answers, by route key. */
export function mockIntegrations(
  scope: Construct,
  apiId: string,
  routes: readonly _ManifestRoute[],
): ReadonlyMap<string, string> {
  return new Map(
    routes
      .filter(({ integration }) => integration === 'mock')
      .map(({ routeKey, response = '' }) => [
        routeKey,
        mockIntegration(scope, routeKey.replaceAll('/', '%2F'), { apiId, response }),
      ]),
  );
}

/** Without an integration response nothing is sent. */
function mockIntegration(
  scope: Construct,
  id: string,
  { apiId, response }: { readonly apiId: string; readonly response: string },
): string {
  const integration = new apigwv2.CfnIntegration(scope, `${id}Integration`, {
    apiId,
    integrationType: 'MOCK',
    passthroughBehavior: 'NEVER',
    templateSelectionExpression: '\\$default',
    requestTemplates: { $default: '{"statusCode":200}' },
  });
  new apigwv2.CfnIntegrationResponse(scope, `${id}Response`, {
    apiId,
    integrationId: integration.ref,
    integrationResponseKey: '$default',
    templateSelectionExpression: '\\$default',
    responseTemplates: { $default: response },
  });
  return integration.ref;
}
