import type { Credentials } from '../gateway/access/credentials.js';
import type { StoppableGateway } from '../gateway/open-gateway.js';
import { apiDefaults } from '../gateway/options.js';
import { StartError } from '../start-error.js';
import type { ServedApi } from './configure-for-gateway.js';
import type { ControlledFunctions } from './control/state.js';
import { type GatewayOptions, openGatewayOf } from './open-gateway.js';
import type { ApiDefinition, StartGatewayOptions } from './start-gateway.js';

/** An API that runs, with its options. */
export interface DefinedApi extends ServedApi {
  readonly definition: ApiDefinition;
  /** @default it is the first one */
  readonly name: string | undefined;
}

const MAX_PORT = 65_535;

/** What all APIs of a gateway share. */
interface Shared {
  readonly functions: ControlledFunctions;
  readonly credentials: Credentials;
}

/**
 * Opens the APIs in the options of `startGateway`, the first one at first.
 *
 * @param opened gets each of them at once, so that they can be closed if a later one fails
 * @throws StartError `ERR_PORT_TAKEN`; Error if two have the same id.
 */
export async function openApis(
  options: StartGatewayOptions,
  shared: Shared,
  opened: DefinedApi[],
): Promise<void> {
  const { apis = {}, port = 0 } = options;
  const all: [string | undefined, ApiDefinition][] = [
    [undefined, options],
    ...Object.entries(apis).map(([name, own]): [string, ApiDefinition] => [
      name,
      withDefaults(own, options),
    ]),
  ];
  checkIds(all);
  let last = port;
  for (const [name, definition] of all) {
    const isPlaced = name === undefined || definition.port !== undefined || port === 0;
    const gateway = isPlaced
      ? await listen(definition, shared)
      : await listenAfter(last, definition, shared);
    if (!isPlaced) last = gateway.port;
    const { apiId = apiDefaults.apiId, stage = apiDefaults.stage } = definition;
    opened.push({ gateway, apiId, stage, definition, name });
  }
}

/** Options that are for any API. */
function withDefaults(own: ApiDefinition, defaults: StartGatewayOptions): ApiDefinition {
  const { host, control, localPagesOnly, integrationTimeoutMs, quirks, seed, now } = defaults;
  const { region, accountId, apiKeys, onEvent } = defaults;
  const shared = { host, control, localPagesOnly, integrationTimeoutMs, quirks, seed, now };
  return { ...shared, region, accountId, apiKeys, onEvent, ...given(own) };
}

/** An option that is `undefined` counts as missing. */
function given(options: ApiDefinition): ApiDefinition {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Functions find an API by its id. */
function checkIds(all: readonly (readonly [string | undefined, ApiDefinition])[]): void {
  const names = new Map<string, string>();
  for (const [name, { apiId = apiDefaults.apiId }] of all) {
    const what = name === undefined ? 'the first one' : `"${name}"`;
    const other = names.get(apiId.toLowerCase());
    if (other !== undefined) {
      throw new Error(
        `Two APIs have the id "${apiId}": ${other} and ${what}. Give each an apiId of its own.`,
      );
    }
    names.set(apiId.toLowerCase(), what);
  }
}

/** Opens the API at the first free port after another one. */
async function listenAfter(
  port: number,
  options: GatewayOptions,
  shared: Shared,
): Promise<StoppableGateway> {
  for (let next = port + 1; next < MAX_PORT; next += 1) {
    try {
      return await listen({ ...options, port: next }, shared);
    } catch (error) {
      if (!(error instanceof StartError) || error.code !== 'ERR_PORT_TAKEN') throw error;
    }
  }
  return listen({ ...options, port: 0 }, shared);
}

async function listen(options: GatewayOptions, shared: Shared): Promise<StoppableGateway> {
  try {
    return await openGatewayOf(options, shared);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
      throw new StartError(
        'ERR_PORT_TAKEN',
        `Port ${options.port} is taken by another program.`,
        'Choose another one with --port, or 0 for any free one (option port of startGateway()).',
      );
    }
    throw error;
  }
}
