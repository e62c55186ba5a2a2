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

/** How to run a function, independently of its bundle. */
export interface FunctionSettings extends Omit<EnvironmentOptions, 'bundleFile'> {
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

interface LoadOptions {
  /** Called when the process with the function's state has died. */
  readonly onStateLost: () => void;
  /** Ends the process, so that loading fails. @default loading is never aborted */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a function's first environment and reads the function's manifest from it.
 *
 * @throws StartError if the module fails to load, lacks the handler, or has an invalid manifest.
 */
export async function loadFunction(
  bundle: Bundle,
  settings: FunctionSettings,
  { onStateLost, signal }: LoadOptions,
): Promise<LoadedFunction> {
  const start = (): Environment => Environment.start({ ...settings, bundleFile: bundle.file });
  signal?.throwIfAborted();
  const first = start();
  const abort = () => void first.close();
  signal?.addEventListener('abort', abort);
  try {
    const module = await loadModule(first, { entry: settings.entry, bundle });
    const manifest = manifestOf(module, settings);
    const isSingle = manifest?.singleEnvironment === true;
    const pool = new EnvironmentPool({
      start,
      maxEnvironments: isSingle ? 1 : settings.maxEnvironments,
      first,
      onDeath: (reason) => {
        if (reason !== undefined && settings.quiet !== true)
          printEnd(settings.entry, reason, isSingle);
        if (isSingle) onStateLost();
      },
    });
    return { bundle, pool, manifest, isSingle };
  } catch (error) {
    await first.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** No line of an event tells of it, because nothing was running. */
function printEnd(entry: string, reason: string, isSingle: boolean): void {
  const lost = isSingle ? ' Its memory is lost, so every connection is closed.' : '';
  process.stderr.write(
    `"${entry}" ended between two invocations: ${reason}.${lost} ` +
      'Await every promise, or catch its rejection.\n',
  );
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
