import { type IdentitySource, identitySource } from './access/identity-source.js';
import { type Throttle, TokenBucket } from './access/token-bucket.js';
import type { Integration } from './integration/integration-options.js';
import {
  type NonProxyIntegration,
  nonProxyIntegration,
} from './integration/non-proxy-integration.js';
import { type BodyCheck, bodyCheck, type RequestModels } from './integration/request-model.js';
import type { LambdaFunction } from './lambda/lambda-function.js';

/** One route of the API. A bare route key is a one-way route to the Lambda function. */
export interface GatewayRoute extends RequestModels {
  /**
   * `$connect`, `$disconnect`, `$default`, or the text that the route selection expression yields.
   */
  readonly routeKey: string;
  /**
   * Whether the function answers, or API Gateway by itself: in short, or as AWS describes it.
   * `lambda` is a proxy integration, `mock` one that answers `response`.
   *
   * @default 'lambda'
   */
  readonly integration?: 'lambda' | 'mock' | Integration | undefined;
  /**
   * The route answers the message it was sent (a route response with key `$default`, rows 5.1 to
   * 5.3).
   *
   * @default false
   */
  readonly twoWay?: boolean | undefined;
  /** What the integration `mock` answers. Sent as it is; only a two-way route sends it. */
  readonly response?: string | undefined;
  /** The function behind this route. @default that of the deployment */
  readonly function?: LambdaFunction | undefined;
  /**
   * How long the gateway waits for this integration, in milliseconds, 50 to 29,000.
   *
   * @default that of the gateway
   */
  readonly timeoutMs?: number | undefined;
  /**
   * `AWS_IAM`: a client must sign its handshake with an access key that may `execute-api:Invoke`,
   * in headers or as a presigned URL (row 3.20). For `$connect` alone, and not beside an authorizer.
   *
   * @default 'NONE'
   */
  readonly authorizationType?: 'NONE' | 'AWS_IAM' | undefined;
  /** A client must have one of the gateway's API keys. For `$connect` alone. @default false */
  readonly apiKeyRequired?: boolean | undefined;
  /** How often the route may be used, by all clients together; not `$disconnect`. @default any */
  readonly throttle?: Throttle | undefined;
}

/** A Lambda REQUEST authorizer on `$connect`. */
export interface GatewayAuthorizer {
  /** Gets the REQUEST authorizer event; its policy decides. */
  readonly function: LambdaFunction;
  /**
   * `route.request.header.X`, `route.request.querystring.X`, `stageVariables.X` or `context.X`. A
   * connection that lacks one of them is refused with 401 and the function is not called (row 4.2).
   *
   * @default none: the function is called for every connection
   */
  readonly identitySources?: readonly string[] | undefined;
}

/** What the API serves: its routes and the functions behind them. */
export interface Deployment {
  /** The function behind every route that names none of its own. */
  readonly handler: LambdaFunction;
  readonly routes: readonly GatewayRoute[];
  /** @default none: every client may connect */
  readonly authorizer?: GatewayAuthorizer | undefined;
}

/** An authorizer, checked and ready to be asked. */
export interface ServedAuthorizer {
  readonly function: LambdaFunction;
  readonly identitySources: readonly IdentitySource[];
}

/** A route, checked and ready to serve. */
export interface ServedRoute extends GatewayRoute {
  /** What stands behind the route unless it is a proxy or answers in short. */
  readonly nonProxy: NonProxyIntegration | undefined;
  readonly checkBody: BodyCheck | undefined;
}

/** A deployment, checked and ready to serve. */
export interface ServedDeployment {
  readonly handler: LambdaFunction;
  readonly routes: ReadonlyMap<string, ServedRoute>;
  readonly authorizer: ServedAuthorizer | undefined;
  /** By route key. */
  readonly throttles: ReadonlyMap<string, TokenBucket>;
}

const reservedKeys = new Set(['$connect', '$disconnect', '$default']);

/** @throws Error when API Gateway would not take the deployment either. */
export function checkDeployment({ handler, routes, authorizer }: Deployment): ServedDeployment {
  const byKey = new Map<string, ServedRoute>();
  const throttles = new Map<string, TokenBucket>();
  for (const route of routes) {
    const { routeKey, throttle } = route;
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
    byKey.set(routeKey, serve(route));
    if (throttle) {
      throttles.set(routeKey, new TokenBucket(throttle, `the route "${routeKey}"`));
    }
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
      identitySources: (authorizer.identitySources ?? []).map(identitySource),
    },
  };
}

/** Who may use a connection is settled when it begins (rows 3.19, 3.20). */
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

function serve(route: GatewayRoute): ServedRoute {
  const { routeKey, integration } = route;
  return {
    ...route,
    nonProxy:
      typeof integration === 'object' ? nonProxyIntegration(integration, routeKey) : undefined,
    checkBody: bodyCheck(route, `the route "${routeKey}"`),
  };
}
