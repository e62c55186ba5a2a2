import type { RouteManifest } from '@gatecast/framework';
import type { Bundle } from './bundle.js';
import type { Deployment, GatewayRoute } from './deployment.js';
import { Environment, type EnvironmentOptions, handlerNotFound } from './environment.js';
import type { LoadedModule } from './environment-ipc.js';
import { EnvironmentPool } from './environment-pool.js';
import { loadModule } from './load-module.js';
import { parseManifest } from './route-manifest.js';
import { StartError } from './start-error.js';

/** How a function is to run, whatever its bundle. */
export interface FunctionSettings extends Omit<EnvironmentOptions, 'bundleFile'> {
  /** Routes in the place of those of the module's app. */
  readonly routes: readonly (string | GatewayRoute)[] | RouteManifest | undefined;
  readonly maxEnvironments: number;
}

/** One version of a function, loaded and ready to be put behind the gateway. */
export interface LoadedFunction {
  readonly bundle: Bundle;
  readonly pool: EnvironmentPool;
  readonly deployment: Deployment;
  /** Its state lives in its one process and is lost with it. */
  readonly isSingle: boolean;
}

/**
 * Starts a function's first environment and learns from it what the gateway must know.
 *
 * @throws StartError when the module fails to load, lacks the handler, or leaves the routes unknown.
 */
export async function loadFunction(
  bundle: Bundle,
  settings: FunctionSettings,
): Promise<LoadedFunction> {
  const start = (): Environment => Environment.start({ ...settings, bundleFile: bundle.file });
  const first = start();
  try {
    const module = await loadModule(first, { entry: settings.entry, bundle });
    const manifest = manifestOf(module, settings);
    const isSingle = manifest.singleEnvironment === true;
    const pool = new EnvironmentPool({
      start,
      maxEnvironments: isSingle ? 1 : settings.maxEnvironments,
      first,
    });
    const authorizer = manifest.authorizer === true ? { function: pool } : undefined;
    const deployment = { handler: pool, routes: manifest.routes, authorizer };
    return { bundle, pool, deployment, isSingle };
  } catch (error) {
    await first.close();
    throw error;
  }
}

interface ServedRoutes extends Partial<Omit<RouteManifest, 'routes'>> {
  readonly routes: readonly GatewayRoute[];
}

function manifestOf(module: LoadedModule, settings: FunctionSettings): ServedRoutes {
  const { entry, handler, routes } = settings;
  if (!module.hasHandler) {
    throw new StartError('ERR_HANDLER_NOT_FOUND', handlerNotFound(entry, handler, module.exports));
  }
  const own =
    module.manifest === undefined
      ? undefined
      : parseManifest(module.manifest, `The manifest of "app" in "${entry}"`);
  if (routes === undefined) {
    if (own === undefined) {
      throw new StartError(
        'ERR_ROUTES_UNKNOWN',
        `The routes of "${entry}" are not known: it exports no "app" that createApp() made.`,
        "Name them: --routes '$connect,$disconnect,$default', or the option routes of startGateway().",
      );
    }
    return own;
  }
  if ('routes' in routes) {
    return routes;
  }
  return {
    ...own,
    routes: routes.map((route) => (typeof route === 'string' ? { routeKey: route } : route)),
  };
}
