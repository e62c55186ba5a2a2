import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { InvocationResult } from '../gateway/lambda-function.js';
import { apiDefaults } from '../gateway/options.js';
import { openCode } from '../lambda/asset.js';
import { Environment, handlerNotFound } from '../lambda/environment/environment.js';
import { configureFunction, type FunctionOptions, type NamedApi } from '../lambda/function.js';
import { loadModule } from '../lambda/load.js';
import { StartError } from '../start-error.js';
import { localApis } from './configure-for-gateway.js';

/** One invocation. */
interface Once {
  /** Variables of the gateway that the function uses. */
  readonly environment: Readonly<Record<string, string>>;
  /** The APIs of the gateway. */
  readonly apis: readonly NamedApi[];
  readonly event: unknown;
  readonly requestId: string;
  /** @default the name of the file */
  readonly functionName?: string | undefined;
  /** @default that of the gateway */
  readonly accountId?: string | undefined;
}

/**
 * Bundles a function as the gateway does, and runs it once in a process of its own, whose output goes to
 * standard error.
 *
 * @throws StartError if it cannot be bundled or loaded, or does not export the handler.
 */
export async function invokeOnce(
  definition: FunctionOptions,
  { environment: shared, apis, event, requestId, ...once }: Once,
): Promise<InvocationResult> {
  const { entry } = definition;
  const { AWS_REGION: region = '' } = shared;
  const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
  try {
    await using bundler = await openCode(definition, directory);
    const bundle = await bundler.build();
    const name = once.functionName ?? basename(entry, extname(entry));
    const { accountId = apiDefaults.accountId } = once;
    const own = { name, region, accountId, directory: bundle.folder, variables: shared };
    const configuration = configureFunction(definition, { ...own, apis: localApis(apis, name) });
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
