import type { RouteManifest } from '@gatecast/framework';
import { StartError } from '../start-error.js';
import type { Bundle } from './bundle.js';
import {
  Environment,
  type EnvironmentOptions,
  handlerNotFound,
} from './environment/environment.js';
import type { LoadedModule } from './environment/ipc.js';
import { loadModule } from './environment/load-module.js';
import { EnvironmentPool } from './environment/pool.js';
import { parseManifest } from './route-manifest.js';

// To show a stack, Node keeps a list for each position in a source map: about 10 bytes of heap for a byte of
// the map. Half of the memory is for the function.
const HEAP_PER_MAP = 20;

/** How to run a function, independently of its bundle. */
export interface FunctionSettings extends Omit<EnvironmentOptions, 'bundleFile' | 'sourceMaps'> {
  /** A manifest that replaces that of the module's app. */
  readonly manifest: RouteManifest | undefined;
  readonly maxEnvironments: number;
}

/** One version of a function, loaded and ready to be invoked. */
export interface LoadedFunction {
  readonly bundle: Bundle;
  readonly pool: EnvironmentPool;
  /** The manifest of the module's app; `undefined` if the module does not export an app. */
  readonly manifest: RouteManifest | undefined;
  /** Whether its state is in the memory of its only process. */
  readonly isSingle: boolean;
}

/**
 * Starts a function's first environment and reads the function's manifest from it.
 *
 * @param onStateLost called when the process with the function's state has died.
 * @throws StartError if the module fails to load, lacks the handler, or has an invalid manifest.
 */
export async function loadFunction(
  bundle: Bundle,
  settings: FunctionSettings,
  onStateLost: () => void,
): Promise<LoadedFunction> {
  const sourceMaps = bundle.mapBytes < (settings.memoryMb * 1_000_000) / HEAP_PER_MAP;
  const start = (): Environment =>
    Environment.start({ ...settings, bundleFile: bundle.file, sourceMaps });
  const first = start();
  try {
    const module = await loadModule(first, { entry: settings.entry, bundle });
    const manifest = manifestOf(module, settings);
    const isSingle = manifest?.singleEnvironment === true;
    const pool = new EnvironmentPool({
      start,
      maxEnvironments: isSingle ? 1 : settings.maxEnvironments,
      first,
      onDeath: isSingle ? onStateLost : undefined,
    });
    return { bundle, pool, manifest, isSingle };
  } catch (error) {
    await first.close();
    throw error;
  }
}

function manifestOf(module: LoadedModule, settings: FunctionSettings): RouteManifest | undefined {
  const { entry, handler } = settings;
  if (!module.hasHandler) {
    throw new StartError('ERR_HANDLER_NOT_FOUND', handlerNotFound(entry, handler, module.exports));
  }
  const own =
    module.manifest === undefined
      ? undefined
      : parseManifest(module.manifest, `The manifest of "app" in "${entry}"`);
  return settings.manifest ?? own;
}
