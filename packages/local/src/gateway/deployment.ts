import {
  checkOptions,
  type OptionType,
  type OptionTypes,
  option,
} from '@gatecast/framework/adapter';
import type { RoleOfGateway } from './access/gateway-role.js';
import { type IdentitySource, identitySource } from './access/identity-source.js';
import { type Throttle, TokenBucket } from './access/throttling.js';
import type { AwsServices } from './aws-service.js';
import type { LambdaFunction } from './lambda-function.js';
import { integrationTimeout } from './options.js';
import type { Integration } from './routes/integration-options.js';
import { type BodyCheck, bodyCheck, type RequestModels } from './routes/models.js';
import {
  type NonProxyIntegration,
  nonProxyIntegration,
} from './routes/non-proxy/non-proxy-integration.js';

/**
 * One route of the API. A bare route key is a one-way route to the Lambda function.
 *
 * @group A gateway of your own
 */
export interface GatewayRoute extends RequestModels {
  /**
   * `$connect`, `$disconnect`, `$default`, or a value of the route selection expression.
   */
  readonly routeKey: string;
  /**
   * The integration, in short or in AWS's terms: `lambda` is a proxy integration, and `mock` lets API
   * Gateway itself answer with `response`.
   *
   * @default 'lambda'
   */
  readonly integration?: 'lambda' | 'mock' | Integration | undefined;
  /**
   * Whether the route answers messages (with a route response with the key `$default`, rows 5.1 to 5.3).
   *
   * @default false
   */
  readonly twoWay?: boolean | undefined;
  /** The answer of the integration `mock`, sent unchanged. Only a two-way route sends it. */
  readonly response?: string | undefined;
  /** The function behind this route. @default the function of the deployment */
  readonly function?: LambdaFunction | undefined;
  /**
   * How long the gateway waits for this integration, in milliseconds, 50 to 29,000.
   *
   * @default the time-out of the gateway
   */
  readonly timeoutMs?: number | undefined;
  /**
   * `AWS_IAM`: a client must sign its handshake, in headers or as a presigned URL, with an access key
   * that allows `execute-api:Invoke` (row 3.20). Only for `$connect`, and not together with an
   * authorizer.
   *
   * @default 'NONE'
   */
  readonly authorizationType?: 'NONE' | 'AWS_IAM' | undefined;
  /** Whether a client needs one of the gateway's API keys. Only for `$connect`. @default false */
  readonly apiKeyRequired?: boolean | undefined;
  /**
   * The limit of requests to the route from all clients together. Not for `$disconnect`. @default
   * unlimited
   */
  readonly throttle?: Throttle | undefined;
}

/** A Lambda REQUEST authorizer on `$connect`. @group A gateway of your own */
export interface GatewayAuthorizer {
  /** Gets the REQUEST authorizer event, and returns the policy. */
  readonly function: LambdaFunction;
  /**
   * `route.request.header.X`, `route.request.querystring.X`, `stageVariables.X` or `context.X`. If one of
   * them is missing, the connection is refused with 401 without calling the function (row 4.2).
   *
   * @default none: the function is called for every connection
   */
  readonly identitySources?: readonly string[] | undefined;
  /** Its id, which the `SourceArn` of the function's permission ends with. @default 'authorizer' */
  readonly authorizerId?: string | undefined;
  /**
   * The role by which API Gateway invokes the function (`AuthorizerCredentialsArn`), as for an integration.
   *
   * @default none: the permissions of the function decide
   */
  readonly credentials?: RoleOfGateway | undefined;
}

/** The routes of the API and the functions behind them. @group A gateway of your own */
export interface Deployment {
  /**
   * The function behind every route without a function of its own.
   *
   * @default none: each route has one of its own, or does not call a function
   */
  readonly handler?: LambdaFunction | undefined;
  readonly routes: readonly GatewayRoute[];
  /** @default none: every client may connect */
  readonly authorizer?: GatewayAuthorizer | undefined;
  /** The AWS services that integrations of the type `AWS` may call, besides Lambda. @default none */
  readonly services?: AwsServices | undefined;
}

/** An authorizer, checked and ready to use. */
export interface ServedAuthorizer extends Pick<GatewayAuthorizer, 'function' | 'credentials'> {
  readonly authorizerId: string;
  /** By expression. */
  readonly identitySources: ReadonlyMap<string, IdentitySource>;
}

/** A route, checked and ready to use. */
export interface ServedRoute extends GatewayRoute {
  /** The integration behind the route, unless it is a proxy or a short `mock`. */
  readonly nonProxy: NonProxyIntegration | undefined;
  readonly checkBody: BodyCheck | undefined;
}

/** A deployment, checked and ready to use. */
export interface ServedDeployment {
  readonly handler: LambdaFunction | undefined;
  readonly routes: ReadonlyMap<string, ServedRoute>;
  readonly authorizer: ServedAuthorizer | undefined;
  /** Throttles by route key. */
  readonly throttles: ReadonlyMap<string, TokenBucket>;
}

/** The roles that API Gateway assumes. */
export function rolesOf({ routes, authorizer }: Deployment): readonly RoleOfGateway[] {
  const integrations = routes.map(({ integration }) => integration);
  return [...integrations, authorizer].flatMap((each) =>
    typeof each === 'object' ? (each.credentials ?? []) : [],
  );
}

/** Routes of an API (quotas of WebSocket APIs). Each has at most one of the 300 integrations. */
const MAX_ROUTES = 300;

const reservedKeys = new Set(['$connect', '$disconnect', '$default']);

const string: OptionType = { takes: 'a string', fits: (value) => typeof value === 'string' };

const routeTypes: OptionTypes<GatewayRoute> = {
  routeKey: string,
  integration: {
    takes: "'lambda', 'mock' or an integration",
    fits: (value) => value === 'lambda' || value === 'mock' || option.object.fits(value),
  },
  twoWay: option.flag,
  response: string,
  function: option.object,
  timeoutMs: integrationTimeout,
  authorizationType: option.oneOf('NONE', 'AWS_IAM'),
  apiKeyRequired: option.flag,
  throttle: option.object,
  requestModels: option.object,
  modelSelectionExpression: option.text,
};

const authorizerTypes: OptionTypes<GatewayAuthorizer> = {
  function: option.object,
  identitySources: option.list,
  authorizerId: option.text,
  credentials: option.object,
};

/** @throws Error if API Gateway would refuse the deployment, too, or for an unknown option. */
export function checkDeployment({
  handler,
  routes,
  authorizer,
  services = {},
}: Deployment): ServedDeployment {
  const byKey = new Map<string, ServedRoute>();
  const throttles = new Map<string, TokenBucket>();
  if (routes.length > MAX_ROUTES) {
    throw new Error(
      `There are ${routes.length} routes, but API Gateway takes ${MAX_ROUTES} for an API. ` +
        'Remove some, or let "$default" handle several.',
    );
  }
  for (const route of routes) {
    const { routeKey, throttle, integration } = route;
    checkOptions(`The route "${routeKey}"`, route, routeTypes);
    if (byKey.has(routeKey)) {
      throw new Error(`Two routes have the key "${routeKey}". Remove one of them.`);
    }
    if (routeKey.startsWith('$') && !reservedKeys.has(routeKey)) {
      throw new Error(
        `The route key "${routeKey}" begins with "$", which only "$connect", "$disconnect" and ` +
          '"$default" may. Rename the route.',
      );
    }
    checkAccess(route);
    if (needsFunction(route) && !route.function && !handler) {
      throw new Error(
        `The route "${routeKey}" calls a function, and there is neither one of its own nor a "handler". ` +
          'Pass one of them.',
      );
    }
    if (typeof integration === 'object' && needsFunction(route)) {
      checkArn(integration.credentials, route.function ?? handler, `The route "${routeKey}"`);
    }
    byKey.set(routeKey, serve(route, services));
    if (throttle) {
      throttles.set(routeKey, new TokenBucket(throttle, `the route "${routeKey}"`));
    }
  }
  if (authorizer) {
    checkOptions('The authorizer', authorizer, authorizerTypes);
    checkArn(authorizer.credentials, authorizer.function, 'The authorizer');
  }
  if (authorizer && !byKey.has('$connect')) {
    throw new Error(
      'There is an authorizer, but no route "$connect" for it to protect. Add that route.',
    );
  }
  if (authorizer && byKey.get('$connect')?.authorizationType === 'AWS_IAM') {
    throw new Error(
      'The route "$connect" has the authorizationType "AWS_IAM" and an authorizer. It can have one ' +
        'of the two: remove the other.',
    );
  }
  return {
    handler,
    routes: byKey,
    throttles,
    authorizer: authorizer && {
      function: authorizer.function,
      authorizerId: authorizer.authorizerId ?? 'authorizer',
      credentials: authorizer.credentials,
      identitySources: new Map(
        (authorizer.identitySources ?? []).map((each) => [each, identitySource(each)]),
      ),
    },
  };
}

/** The policies of a role name the functions that it may invoke. */
function checkArn(
  role: RoleOfGateway | undefined,
  lambda: LambdaFunction | undefined,
  where: string,
): void {
  if (role === undefined || !('policies' in role) || lambda?.arn !== undefined) return;
  throw new Error(
    `${where} has "credentials" with policies, but its function has no "arn" that they could name. ` +
      'Give it one, such as "arn:aws:lambda:us-east-1:123456789012:function:chat".',
  );
}

/** Access is only checked when a connection begins (rows 3.19, 3.20). */
function checkAccess({ routeKey, authorizationType = 'NONE', apiKeyRequired }: GatewayRoute): void {
  if (routeKey === '$connect') return;
  const option = authorizationType !== 'NONE' ? 'authorizationType' : 'apiKeyRequired';
  if (authorizationType !== 'NONE' || apiKeyRequired === true) {
    throw new Error(
      `The route "${routeKey}" has the option "${option}", which only "$connect" may have. ` +
        'Move it there.',
    );
  }
}

/** Whether a route calls a function: not a mock, and not another service. */
export function needsFunction({
  integration = 'lambda',
}: Pick<GatewayRoute, 'integration'>): boolean {
  if (typeof integration === 'string') return integration === 'lambda';
  const { type, integrationUri } = integration;
  return type === 'AWS_PROXY' || (type === 'AWS' && integrationUri === undefined);
}

function serve(route: GatewayRoute, services: AwsServices): ServedRoute {
  const { routeKey, integration } = route;
  return {
    ...route,
    nonProxy:
      typeof integration === 'object'
        ? nonProxyIntegration(integration, { routeKey, services })
        : undefined,
    checkBody: bodyCheck(route, `the route "${routeKey}"`),
  };
}
