import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { InvocationResult } from '../gateway/lambda-function.js';
import { apiDefaults } from '../gateway/options.js';
import { openBundler } from '../lambda/bundle.js';
import { Environment, handlerNotFound } from '../lambda/environment/environment.js';
import { configureFunction, type FunctionOptions } from '../lambda/function.js';
import { loadModule } from '../lambda/load.js';
import { StartError } from '../start-error.js';
import { localApi } from './configure-for-gateway.js';

/** One invocation. */
interface Once {
  /** Variables of the gateway that the function uses. */
  readonly environment: Readonly<Record<string, string>>;
  readonly event: unknown;
  readonly requestId: string;
}

/**
 * Bundles a function as the gateway does, and runs it once in a process of its own, whose output goes to
 * standard error.
 *
 * @throws StartError if it cannot be bundled or loaded, or does not export the handler.
 */
export async function invokeOnce(
  definition: FunctionOptions,
  { environment: shared, event, requestId }: Once,
): Promise<InvocationResult> {
  const { entry } = definition;
  const { AWS_REGION: region = '', GATECAST_API_ID: apiId = '' } = shared;
  const { GATECAST_ENDPOINT: endpoint = '' } = shared;
  const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
  try {
    await using bundler = await openBundler(entry, directory);
    const bundle = await bundler.build();
    const name = basename(entry, extname(entry));
    const { accountId } = apiDefaults;
    const api = localApi({ apiId, endpoint }, name);
    const surroundings = { name, region, accountId, directory, variables: shared, api };
    const configuration = configureFunction(definition, surroundings);
    const output = 'stderr';
    await using environment = Environment.start({ ...configuration, output }, bundle.file);
    const { hasHandler, exports } = await loadModule(environment, { entry, bundle });
    if (!hasHandler) {
      const message = handlerNotFound(entry, configuration.handler, exports);
      throw new StartError('ERR_HANDLER_NOT_FOUND', message);
    }
    return await environment.invoke(event as object, { requestId });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
