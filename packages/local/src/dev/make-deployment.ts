import type { RouteManifest } from '@gatecast/framework';
import type { AwsServices } from '../gateway/aws-service.js';
import {
  type Deployment,
  type GatewayAuthorizer,
  type GatewayRoute,
  needsFunction,
} from '../gateway/deployment.js';
import type { LambdaFunction } from '../gateway/lambda-function.js';
import { StartError } from '../start-error.js';

/** One route of the local gateway. Without `function` it uses the function of `entry`. */
export interface LocalRoute extends Omit<GatewayRoute, 'function'> {
  /** Name of the function in `functions`. @default the function of `entry` */
  readonly function?: string | undefined;
}

/** A Lambda REQUEST authorizer on `$connect`. */
export interface LocalAuthorizer extends Omit<GatewayAuthorizer, 'function'> {
  /** Name of the function in `functions`. */
  readonly function: string;
}

/** The function of `entry`. */
interface MainFunction {
  readonly entry: string;
  readonly function: LambdaFunction;
  readonly manifest: RouteManifest | undefined;
}

export interface DeploymentParts {
  readonly main: MainFunction | undefined;
  readonly functions: ReadonlyMap<string, LambdaFunction>;
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
  const named = (name: string, user: string): LambdaFunction =>
    functions.get(name) ?? functionUnknown(name, user, [...functions.keys()]);
  const routes = routesOf(parts).map((route): GatewayRoute => {
    const user = `The route "${route.routeKey}"`;
    if (route.function !== undefined) {
      return { ...route, function: named(route.function, user) };
    }
    if (main === undefined && needsFunction(route)) {
      throw new StartError(
        'ERR_FUNCTION_UNKNOWN',
        `${user} has no function, and there is no "entry" for it to use.`,
        `Give it one: { routeKey: '${route.routeKey}', function: 'NAME' }.`,
      );
    }
    return { ...route, function: main?.function };
  });
  if (authorizer !== undefined) {
    const lambda = named(authorizer.function, 'The authorizer');
    return { routes, services, authorizer: { ...authorizer, function: lambda } };
  }
  const isAuthorizer = main?.manifest?.authorizer === true;
  return { routes, services, authorizer: isAuthorizer ? { function: main.function } : undefined };
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
