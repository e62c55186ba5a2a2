import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { InvocationResult } from '../gateway/lambda-function.js';
import { openBundler } from '../lambda/bundle.js';
import { Environment, handlerNotFound } from '../lambda/environment/environment.js';
import { loadModule } from '../lambda/environment/load-module.js';
import { lambdaVariables } from '../lambda/environment/variables.js';
import type { FunctionOptions } from '../lambda/function-options.js';
import { StartError } from '../start-error.js';
import { atLocalAddress } from './function-settings.js';

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
  const { entry, handler = 'handler', memoryMb = 1024, timeoutMs = 29_000 } = definition;
  const moduleName = basename(entry, extname(entry));
  const { AWS_REGION: region = '', GATECAST_API_ID: apiId = '' } = shared;
  const { GATECAST_ENDPOINT: endpoint = '' } = shared;
  const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
  try {
    await using bundler = await openBundler(entry, directory);
    const bundle = await bundler.build();
    const named = { functionName: moduleName, moduleName, handler, region, memoryMb };
    await using environment = Environment.start({
      entry,
      handler,
      memoryMb,
      timeoutMs,
      bundleFile: bundle.file,
      functionArn: `arn:aws:lambda:${region}:123456789012:function:${moduleName}`,
      variables: {
        ...lambdaVariables({ ...named, bundleDirectory: directory }),
        ...shared,
        ...atLocalAddress(definition.environment ?? {}, { apiId, region, endpoint }),
      },
      output: 'stderr',
    });
    const { hasHandler, exports } = await loadModule(environment, { entry, bundle });
    if (!hasHandler) {
      throw new StartError('ERR_HANDLER_NOT_FOUND', handlerNotFound(entry, handler, exports));
    }
    return await environment.invoke(event as object, { requestId });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
