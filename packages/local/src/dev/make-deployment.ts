import type { RouteManifest } from '@gatecast/framework';
import type { AwsServices } from '../gateway/aws-service.js';
import {
  type Deployment,
  type GatewayAuthorizer,
  type GatewayRoute,
  needsFunction,
} from '../gateway/deployment.js';
import type { LambdaFunction } from '../gateway/lambda-function.js';
import type { InvokePermission } from '../lambda/invoke-permission.js';
import { StartError } from '../start-error.js';

/**
 * One route of the local gateway. Without `function` it uses the function of `entry`.
 *
 * @group Start here
 */
export interface LocalRoute extends Omit<GatewayRoute, 'function'> {
  /** Name of the function in `functions`. @default the function of `entry` */
  readonly function?: string | undefined;
  /** The alias or version of the function that API Gateway invokes. @default none */
  readonly qualifier?: string | undefined;
}

/** A Lambda REQUEST authorizer on `$connect`. @group Start here */
export interface LocalAuthorizer extends Omit<GatewayAuthorizer, 'function'> {
  /** Name of the function in `functions`. */
  readonly function: string;
  /** Its alias or version that API Gateway invokes. @default none */
  readonly qualifier?: string | undefined;
}

/** A function with its ARN, and with who may invoke it. */
export interface PermittedFunction {
  readonly lambda: LambdaFunction;
  readonly arn: string;
  /** @default everybody */
  readonly invokePermissions: readonly InvokePermission[] | undefined;
}

/** The function of `entry`. */
interface MainFunction {
  readonly entry: string;
  readonly function: PermittedFunction;
  readonly manifest: RouteManifest | undefined;
}

export interface DeploymentParts {
  readonly main: MainFunction | undefined;
  readonly functions: ReadonlyMap<string, PermittedFunction>;
  readonly routes: readonly (string | LocalRoute)[] | RouteManifest | undefined;
  readonly authorizer: LocalAuthorizer | undefined;
  readonly services: AwsServices;
}

/**
 * Connects each route with its function.
 *
 * @throws StartError if the routes are not known, or a function is missing.
 */
export function makeDeployment(parts: DeploymentParts): Deployment {
  const { main, functions, authorizer, services } = parts;
  const named = (name: string, user: string): PermittedFunction =>
    functions.get(name) ?? functionUnknown(name, user, [...functions.keys()]);
  const routes = routesOf(parts).map(({ qualifier, ...route }): GatewayRoute => {
    const user = `The route "${route.routeKey}"`;
    if (route.function !== undefined) {
      return { ...route, function: invoked(named(route.function, user), qualifier) };
    }
    if (main === undefined && needsFunction(route)) {
      throw new StartError(
        'ERR_FUNCTION_UNKNOWN',
        `${user} has no function, and there is no "entry" for it to use.`,
        `Give it one: { routeKey: '${route.routeKey}', function: 'NAME' }.`,
      );
    }
    return { ...route, function: main && invoked(main.function, qualifier) };
  });
  if (authorizer !== undefined) {
    const { qualifier, function: name, ...others } = authorizer;
    const lambda = invoked(named(name, 'The authorizer'), qualifier);
    return { routes, services, authorizer: { ...others, function: lambda } };
  }
  const own = main?.manifest?.authorizer === true ? main.function : undefined;
  return { routes, services, authorizer: own && { function: invoked(own, undefined) } };
}

/** The function as the gateway invokes it. An alias or a version has permissions of its own. */
function invoked(
  { lambda, arn, invokePermissions }: PermittedFunction,
  qualifier: string | undefined,
): LambdaFunction {
  return {
    invoke: (event, invocation) => lambda.invoke(event, invocation),
    arn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    invokePermissions: invokePermissions?.filter((each) => each.qualifier === qualifier),
  };
}

/** The error for options without any function. */
export function noFunction(): StartError {
  return new StartError(
    'ERR_FUNCTION_UNKNOWN',
    'There is no function to run.',
    "Pass its source file: startGateway({ entry: 'app.ts' }); or several: functions: { NAME: { entry } }.",
  );
}

function routesOf({ main, functions, routes }: DeploymentParts): readonly LocalRoute[] {
  const known = routes ?? main?.manifest;
  if (known === undefined) {
    const whose =
      main === undefined
        ? `The routes of the functions ${list([...functions.keys()])} are not known.`
        : `The routes of "${main.entry}" are not known: it exports neither an app of createApp() nor its handler.`;
    throw new StartError(
      'ERR_ROUTES_UNKNOWN',
      whose,
      'In a Gatecast app, write: export const app = createApp(…). Pass the routes of any other handler: ' +
        "--routes '$connect,$disconnect,$default', or the option routes of startGateway().",
    );
  }
  if (!('routes' in known)) {
    return known.map((route) => (typeof route === 'string' ? { routeKey: route } : route));
  }
  // A manifest may have further keys, also ones of later releases.
  return known.routes.map(({ routeKey, integration, twoWay, response }) => ({
    routeKey,
    integration,
    twoWay,
    response,
  }));
}

function functionUnknown(name: string, user: string, known: readonly string[]): never {
  throw new StartError(
    'ERR_FUNCTION_UNKNOWN',
    `${user} uses the function "${name}", but there is ${known.length === 0 ? 'none' : `only ${list(known)}`}.`,
    `Add it: functions: { '${name}': { entry: 'FILE' } }.`,
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
