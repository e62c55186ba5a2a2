import { pathToFileURL } from 'node:url';
import type { RouteManifest } from '@gatecast/framework';
import { StartError } from '../start-error.js';
import type { Bundle } from './bundle.js';
import { Environment, handlerNotFound } from './environment/environment.js';
import type { LoadedModule, LoadFailure } from './environment/ipc.js';
import { EnvironmentPool } from './environment/pool.js';
import type { FunctionConfiguration } from './function.js';
import { parseManifest } from './route-manifest.js';

// To show a stack, Node keeps a list for each position in a source map: about 10 bytes of heap for a byte of
// the map. Half of the memory is for the function.
const HEAP_PER_MAP = 20;

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
  configuration: FunctionConfiguration,
  { onStateLost, signal }: LoadOptions,
): Promise<LoadedFunction> {
  const hasSourceMaps = bundle.mapBytes < (configuration.memoryMb * 1_000_000) / HEAP_PER_MAP;
  const start = (): Environment =>
    Environment.start({ ...configuration, hasSourceMaps }, bundle.file);
  signal?.throwIfAborted();
  const first = start();
  const abort = () => void first.close();
  signal?.addEventListener('abort', abort);
  try {
    const module = await loadModule(first, { entry: configuration.entry, bundle });
    const manifest = manifestOf(module, configuration);
    const isSingle = manifest?.singleEnvironment === true;
    const pool = new EnvironmentPool({
      start,
      maxEnvironments: isSingle ? 1 : configuration.maxEnvironments,
      first,
      onDeath: (reason) => {
        const { entry, quiet } = configuration;
        if (reason !== undefined && quiet !== true) printEnd(entry, reason, isSingle);
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

function manifestOf(
  module: LoadedModule,
  { entry, handler, manifest }: FunctionConfiguration,
): RouteManifest | undefined {
  if (!module.hasHandler) {
    throw new StartError('ERR_HANDLER_NOT_FOUND', handlerNotFound(entry, handler, module.exports));
  }
  const own =
    module.manifest === undefined
      ? undefined
      : parseManifest(module.manifest, `The manifest of "app" in "${entry}"`);
  return manifest ?? own;
}

/**
 * Waits until an environment has loaded its bundle.
 *
 * @throws StartError `ERR_LOAD_FAILED` with the module's own error.
 */
export async function loadModule(
  environment: Environment,
  { entry, bundle }: { entry: string; bundle: Bundle },
): Promise<LoadedModule> {
  const report = await environment.load();
  if (report.type === 'loaded') {
    return report.module;
  }
  const { failure } = report;
  throw new StartError(
    'ERR_LOAD_FAILED',
    `"${entry}" failed while it was loaded.\n\n${withoutInnerFrames(failure.details, bundle.file)}`,
    decoratorHint(failure, { entry, bundle }) ??
      packageHint(failure, bundle) ??
      fileHint(failure, bundle),
  );
}

/** Without the frames of Node, of what loads the bundle, and of helpers in it that no source is known of. */
function withoutInnerFrames(details: string, bundleFile: string): string {
  const bundle = [bundleFile, pathToFileURL(bundleFile).href];
  const isInner = (line: string): boolean =>
    /^ +at /.test(line) &&
    (/[( ]node:|[\\/]environment[\\/]process\./.test(line) ||
      bundle.some((name) => line.includes(name)));
  return details
    .split('\n')
    .filter((line) => !isInner(line))
    .join('\n');
}

/**
 * Decorators for `experimentalDecorators` read their class from the first argument, which is `undefined`
 * for a property under standard decorators. The stack does not show the package, because its source map
 * points to its own sources. So the package is recognised by its place in the bundle and by esbuild's
 * helper for standard decorators.
 */
function decoratorHint(
  { errorType, errorMessage, details }: LoadFailure,
  { entry, bundle }: { entry: string; bundle: Bundle },
): string | undefined {
  const isDecoratorFailure =
    errorType === 'TypeError' &&
    errorMessage.includes("reading 'constructor'") &&
    details.includes('__decorateElement');
  const library = ['class-validator', 'class-transformer'].find((name) =>
    bundle.inputs.some((input) => input.includes(`node_modules/${name}/`)),
  );
  if (!isDecoratorFailure || library === undefined) {
    return undefined;
  }
  return (
    `\n${library} does not work with standard decorators. Set "experimentalDecorators": true in the ` +
    `tsconfig.json that covers "${entry}", or use a Standard Schema library such as valibot or zod.`
  );
}

function packageHint({ errorMessage }: LoadFailure, bundle: Bundle): string | undefined {
  const [, name] =
    /Cannot find (?:module|package) '((?:@[^/']+\/)?[^./'@][^/']*)/.exec(errorMessage) ?? [];
  if (name === undefined) return undefined;
  if (/^@(?:aws-sdk|smithy)\//.test(name)) {
    return `\nLambda brings "${name}", but this machine does not. Install it: npm install --save-dev ${name}`;
  }
  if (isBuiltAlready(bundle)) {
    return `\n"${name}" is not in the code that was built. Bundle it, or put its node_modules into the folder.`;
  }
  return bundle.external.includes(name)
    ? `\nInstall what is missing: npm install ${name}`
    : `\n"${name}" is not in the bundle, because its name is only computed when the code runs. Import it by its name.`;
}

/** Code that looks for a file beside itself, such as a package with data or a native addon. */
function fileHint({ errorMessage }: LoadFailure, bundle: Bundle): string | undefined {
  if (isBuiltAlready(bundle) || !errorMessage.includes(bundle.folder)) return undefined;
  return (
    '\nThat folder has the bundle, which is code only: files beside the sources are not there, as in a deployment. ' +
    'Import the file, or find it from process.cwd().'
  );
}

/** Only a bundle is made of sources that are known. */
function isBuiltAlready({ inputs }: Bundle): boolean {
  return inputs.length === 0;
}
