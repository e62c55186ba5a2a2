import { Stack } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import { mistake } from './mistake';
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
  /** The integration of each route that a function does not handle: by route key. */
  readonly integrations: ReadonlyMap<string, string>;
  /** The integration of all other routes. */
  readonly integration: string;
  readonly access: ConnectAccess;
}

/**
 * The routes of the API. They are L1 resources, because the L2 makes an integration and a permission for
 * each route: 100 routes would be 403 resources, and the function's policy too long.
 */
export class Routes extends Construct {
  constructor(scope: Construct, id: string, props: RoutesProps) {
    super(scope, id);
    checkCount(scope, props.routes);
    for (const route of props.routes) this.add(route, props);
  }

  private add({ routeKey, twoWay }: _ManifestRoute, props: RoutesProps): void {
    const { apiId, integrations, integration } = props;
    const { isOpenByChoice, ...access } = props.access;
    const isConnect = routeKey === '$connect';
    const route = new apigwv2.CfnRoute(this, `${routeKey}Route`, {
      apiId,
      routeKey,
      ...(isConnect ? access : { authorizationType: 'NONE' }),
      ...(twoWay && { routeResponseSelectionExpression: '$default' }),
      target: `integrations/${integrations.get(routeKey) ?? integration}`,
    });
    if (!isConnect || isOpenByChoice) {
      acknowledge(
        route,
        'APIG4',
        isConnect
          ? 'Authorizer.none(): everybody may connect.'
          : 'A WebSocket API authorizes connections, on $connect; its other routes cannot.',
      );
    }
    if (!twoWay) return;
    new apigwv2.CfnRouteResponse(this, `${routeKey}Response`, {
      apiId,
      routeId: route.ref,
      routeResponseKey: '$default',
    });
  }
}

function checkCount(scope: Construct, routes: readonly _ManifestRoute[]): void {
  const twoWay = routes.filter((route) => route.twoWay).length;
  const others = Stack.of(scope)
    .node.findAll()
    .filter((each) => 'cfnResourceType' in each).length;
  const count = routes.length + twoWay + others;
  if (count <= MOST_RESOURCES) return;
  throw mistake(
    scope,
    `${routes.length} routes, ${twoWay} of them two-way, are ${routes.length + twoWay} resources, which ` +
      `with the others of the stack is more than the ${MOST_RESOURCES} that CloudFormation takes.`,
    'Leave "routes" out, so that all messages reach the app by $default; or give the API a stack of its ' +
      'own; or make messages one-way: @OnMessage({ reply: false }).',
  );
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
export function permit(
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

/** An integration by which API Gateway itself answers. Without an integration response nothing is sent. */
export function mockIntegration(
  scope: Construct,
  id: string,
  { apiId, response }: { apiId: string; response: string },
): string {
  const integration = new apigwv2.CfnIntegration(scope, `${id}Integration`, {
    apiId,
    integrationType: 'MOCK',
    passthroughBehavior: 'NEVER',
    templateSelectionExpression: '\\$default',
    requestTemplates: { $default: '{"statusCode":200}' },
  });
  new apigwv2.CfnIntegrationResponse(scope, `${id}Answer`, {
    apiId,
    integrationId: integration.ref,
    integrationResponseKey: '$default',
    templateSelectionExpression: '\\$default',
    responseTemplates: { $default: response },
  });
  return integration.ref;
}
