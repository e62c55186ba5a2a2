import { basename, extname } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import { needsFunction } from '../gateway/deployment.js';
import type { LambdaFunction } from '../gateway/lambda-function.js';
import { apiDefaults } from '../gateway/options.js';
import { type FunctionOptions, functionArnOf } from '../lambda/function.js';
import { StartError } from '../start-error.js';
import { noFunction, type PermittedFunction } from './make-deployment.js';
import type { StartGatewayOptions } from './start-gateway.js';

/** One function to run. */
export interface NamedFunction {
  readonly name: string;
  readonly options: FunctionOptions;
  /** Whether it is the function of `entry`. */
  readonly isMain: boolean;
  /** A manifest that replaces that of the module's app. */
  readonly manifest: RouteManifest | undefined;
}

/**
 * The functions in the options of `startGateway`, that of `entry` first.
 *
 * @throws StartError if the options have no function.
 */
export function functionsOf(options: StartGatewayOptions): readonly NamedFunction[] {
  const { entry, functions = {}, routes, apis = {} } = options;
  const named = Object.entries(functions).map(([name, own]) => ({
    name,
    options: withDefaults(own, options),
    isMain: false,
    manifest: undefined,
  }));
  if (entry === undefined) {
    const all = [options, ...Object.values(apis)];
    const isNeeded = !all.every((api) => workWithoutFunction(api.routes));
    if (named.length === 0 && isNeeded) throw noFunction();
    return named;
  }
  const name = basename(entry, extname(entry));
  const manifest = routes !== undefined && 'routes' in routes ? routes : undefined;
  return [{ name, options: { ...options, entry }, isMain: true, manifest }, ...named];
}

/**
 * Whether a function is loaded at its first invocation: if no route uses it, and if it does not decide
 * which stores are needed.
 */
export function isLate(
  { name, isMain }: NamedFunction,
  { tables, apis = {}, ...first }: StartGatewayOptions,
): boolean {
  if (isMain || tables === undefined) return false;
  return [first, ...Object.values(apis)].every(
    ({ routes = [], authorizer }) =>
      authorizer?.function !== name &&
      // A manifest names no functions.
      (!Array.isArray(routes) || routes.every((route) => route.function !== name)),
  );
}

/** Finds the ARNs of functions that run, and who may invoke them. */
export function permittedFunctions(
  options: StartGatewayOptions,
): (name: string, lambda: LambdaFunction) => PermittedFunction {
  const { region = apiDefaults.region, accountId = apiDefaults.accountId } = options;
  const byName = new Map(functionsOf(options).map((each) => [each.name, each.options]));
  return (name, lambda) => {
    const own: Partial<FunctionOptions> = byName.get(name) ?? {};
    const arn = functionArnOf(own, { name, region, accountId });
    return { lambda, arn, invokePermissions: own.invokePermissions };
  };
}

/** @throws StartError `ERR_FUNCTION_UNKNOWN` */
export function unknownFunction(name: string, known: readonly string[]): never {
  throw new StartError(
    'ERR_FUNCTION_UNKNOWN',
    `There is no function "${name}".`,
    `Invoke one of: ${known.join(', ')}.`,
  );
}

/** Routes with mocks and other services do. */
function workWithoutFunction(routes: StartGatewayOptions['routes']): boolean {
  if (routes === undefined || 'routes' in routes) return false;
  return routes.every((route) => typeof route === 'object' && !needsFunction(route));
}

/** Options beside `entry` are the defaults, except those that only fit one function. */
function withDefaults(own: FunctionOptions, defaults: StartGatewayOptions): FunctionOptions {
  return {
    entry: own.entry,
    handler: own.handler,
    asset: own.asset,
    environment: { ...defaults.environment, ...own.environment },
    timeoutMs: own.timeoutMs ?? defaults.timeoutMs,
    memoryMb: own.memoryMb ?? defaults.memoryMb,
    maxEnvironments: own.maxEnvironments ?? defaults.maxEnvironments,
    permissions: own.permissions ?? defaults.permissions,
    invokePermissions: own.invokePermissions ?? defaults.invokePermissions,
    inspect: own.inspect,
    quiet: own.quiet ?? defaults.quiet,
  };
}
