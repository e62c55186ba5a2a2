import { basename, extname } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import { noFunction } from '../make-deployment.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import type { FunctionOptions } from './function-options.js';

/** One function to run, its defaults not yet filled in. */
export interface FunctionDefinition extends FunctionOptions {
  readonly name: string;
  /** A manifest in the place of that of the module's app. */
  readonly manifest: RouteManifest | undefined;
}

/** The functions that the options of `startGateway` name. */
export interface FunctionDefinitions {
  /** That of `entry`. */
  readonly main: FunctionDefinition | undefined;
  readonly named: readonly FunctionDefinition[];
}

/** @throws StartError when the options name no function. */
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
