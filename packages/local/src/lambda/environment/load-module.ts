import { StartError } from '../../start-error.js';
import type { Bundle } from '../bundle.js';
import type { Environment } from './environment.js';
import type { LoadedModule, LoadFailure } from './ipc.js';

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
    `"${entry}" failed while it was loaded.\n\n${failure.details}`,
    decoratorHint(failure, { entry, bundle }),
  );
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
