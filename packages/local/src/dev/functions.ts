import { basename, extname } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import { needsFunction } from '../gateway/deployment.js';
import type { FunctionOptions } from '../lambda/function.js';
import { noFunction } from './make-deployment.js';
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
  const { entry, functions = {}, routes } = options;
  const named = Object.entries(functions).map(([name, own]) => ({
    name,
    options: withDefaults(own, options),
    isMain: false,
    manifest: undefined,
  }));
  if (entry === undefined) {
    if (named.length === 0 && !workWithoutFunction(routes)) throw noFunction();
    return named;
  }
  const name = basename(entry, extname(entry));
  const manifest = routes !== undefined && 'routes' in routes ? routes : undefined;
  return [{ name, options: { ...options, entry }, isMain: true, manifest }, ...named];
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
    environment: { ...defaults.environment, ...own.environment },
    timeoutMs: own.timeoutMs ?? defaults.timeoutMs,
    memoryMb: own.memoryMb ?? defaults.memoryMb,
    maxEnvironments: own.maxEnvironments ?? defaults.maxEnvironments,
    permissions: own.permissions ?? defaults.permissions,
    inspect: own.inspect,
    quiet: own.quiet ?? defaults.quiet,
  };
}
