import { basename, extname } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import type { FunctionOptions } from '../lambda/function-options.js';
import { noFunction } from './make-deployment.js';
import type { StartGatewayOptions } from './start-gateway.js';

/** One function to run, without its defaults. */
export interface FunctionDefinition extends FunctionOptions {
  readonly name: string;
  /** A manifest that replaces that of the module's app. */
  readonly manifest: RouteManifest | undefined;
}

/** The functions in the options of `startGateway`. */
export interface FunctionDefinitions {
  /** The function of `entry`. */
  readonly main: FunctionDefinition | undefined;
  readonly named: readonly FunctionDefinition[];
}

/** @throws StartError if the options have no function. */
export function definitionsOf(options: StartGatewayOptions): FunctionDefinitions {
  const { entry, functions = {}, routes } = options;
  const named = Object.entries(functions).map(([name, own]) => ({
    name,
    entry: own.entry,
    handler: own.handler,
    environment: { ...options.environment, ...own.environment },
    timeoutMs: own.timeoutMs ?? options.timeoutMs,
    memoryMb: own.memoryMb ?? options.memoryMb,
    maxEnvironments: own.maxEnvironments ?? options.maxEnvironments,
    permissions: own.permissions ?? options.permissions,
    inspect: own.inspect,
    quiet: own.quiet ?? options.quiet,
    manifest: undefined,
  }));
  if (entry === undefined) {
    if (named.length === 0) {
      throw noFunction();
    }
    return { main: undefined, named };
  }
  const name = basename(entry, extname(entry));
  const manifest = routes !== undefined && 'routes' in routes ? routes : undefined;
  return { main: { ...options, name, entry, manifest }, named };
}
