import type { RouteManifest } from '@gatecast/framework';
import { checkOptions, type OptionTypes, option } from '@gatecast/framework/adapter';
import type { Clock } from '../gateway/clock.js';
import type { Faults } from '../gateway/faults.js';
import type { InvocationResult } from '../gateway/lambda-function.js';
import { checkQuirks } from '../gateway/options.js';
import { type FunctionOptions, functionOptionTypes } from '../lambda/function.js';
import type { ReloadEvent } from '../lambda/versions.js';
import type { LocalTable } from './dynamodb/local-table.js';
import type { LocalAuthorizer, LocalRoute } from './make-deployment.js';
import { type GatewayOptions, gatewayOptionTypes } from './open-gateway.js';
import { type Notices, RunningGateway } from './running-gateway.js';

/** One of several APIs of {@link startGateway}. @group Start here */
export type ApiDefinition = GatewayOptions & Pick<StartGatewayOptions, 'routes' | 'authorizer'>;

/**
 * Options of {@link startGateway}. Most APIs have one function: `entry`. Further functions are in
 * `functions`; options beside `entry`, except `handler`, are the defaults of theirs.
 *
 * @group Start here
 */
export interface StartGatewayOptions extends GatewayOptions, Partial<FunctionOptions> {
  /**
   * Functions by name, in addition to `entry` or instead of it. Each has its own processes, variables and
   * access key, and is reloaded separately. With `tables`, a function that no route uses is loaded when it
   * is invoked for the first time.
   *
   * @default none
   */
  readonly functions?: Readonly<Record<string, FunctionOptions>> | undefined;
  /**
   * Routes, or keys of one-way routes, or a manifest that replaces the one of `app`.
   *
   * @default the routes of the app that `entry` exports as `app`, or whose handler it exports
   */
  readonly routes?: readonly (string | LocalRoute)[] | RouteManifest | undefined;
  /**
   * The authorizer on `$connect`, one of `functions`.
   *
   * @default the function of `entry`, if its manifest says that it is an authorizer
   */
  readonly authorizer?: LocalAuthorizer | undefined;
  /**
   * Further APIs by name, which use the same functions and tables, each on a port of its own: the next free
   * ones after `port`, unless `port` is 0. Each needs an `apiId` of its own. Options that are for any API,
   * such as `host`, `control` and `region`, are those of the first one by default. With further APIs, no
   * variable says which API a function uses: its event does, or variables that you set, with names as on
   * AWS: `https://API_ID.execute-api.REGION.amazonaws.com/STAGE`.
   *
   * @default none
   */
  readonly apis?: Readonly<Record<string, ApiDefinition>> | undefined;
  /**
   * Tables of the embedded DynamoDB, in addition to the one that `GATECAST_TABLE` names for each function
   * that uses `dynamoDbStore`. With this option, even an empty list, functions get no variables with the
   * table and the address of the API: as on AWS, you set those that they need.
   *
   * @default none; `GATECAST_TABLE` is `gatecast`, and `GATECAST_ENDPOINT` leads to the API
   */
  readonly tables?: readonly LocalTable[] | undefined;
  /**
   * Tables of your own in the embedded DynamoDB, in addition to all others. Unlike `tables`, they change
   * nothing else: functions keep their variables.
   *
   * @default none
   */
  readonly extraTables?: readonly LocalTable[] | undefined;
  /**
   * Folder for the data of the embedded DynamoDB. It is started for tables given here and for functions that use
   * `dynamoDbStore`, unless `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` points to another one.
   *
   * @default in memory, so that it is empty after a restart
   */
  readonly dataDirectory?: string | undefined;
  /** Whether to reload functions when their source files change. @default false */
  readonly watch?: boolean | undefined;
  /**
   * Called after each change was loaded or refused. If it throws, the error is printed.
   *
   * @default prints errors of a reload to stderr
   */
  readonly onReload?: ((event: ReloadEvent) => void) | undefined;
}

const apiDefinitionTypes: OptionTypes<ApiDefinition> = {
  ...gatewayOptionTypes,
  routes: {
    takes: 'a list of routes, or a manifest',
    fits: (value) => Array.isArray(value) || option.object.fits(value),
  },
  authorizer: option.object,
};

const startOptionTypes: OptionTypes<StartGatewayOptions> = {
  ...apiDefinitionTypes,
  ...functionOptionTypes,
  functions: option.object,
  apis: option.object,
  tables: option.list,
  extraTables: option.list,
  dataDirectory: option.text,
  watch: option.flag,
  onReload: option.callback,
};

/** An API of a running gateway. @group Start here */
export interface LocalApi {
  readonly apiId: string;
  /** The port it listens on. */
  readonly port: number;
  /** The URL for clients: `ws://localhost:PORT/STAGE`. `wss` works on the same port. */
  readonly url: string;
  /**
   * The endpoint for posts of functions: `http://localhost:PORT/STAGE`. `https` works on the same port.
   */
  readonly endpoint: string;
  /**
   * Environment variables for a further process that publishes into this API, such as a test: the
   * endpoint, `GATECAST_URL` (as `url`), the Region, an access key that may do everything, the stage, and
   * the stores. They are secret.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** The API's clock. Functions have the time of the machine. */
  readonly clock: Clock;
  /** The faults to simulate. */
  readonly faults: Faults;
}

/** A running local API Gateway with its Lambda functions. @group Start here */
export interface LocalGateway extends LocalApi, AsyncDisposable {
  /** The further APIs, by name. */
  readonly apis: Readonly<Record<string, LocalApi>>;
  /**
   * Invokes one of the functions by its name, as another service would: no API takes part. A failure of
   * the function is a result of the type `error`.
   *
   * @throws StartError - `ERR_FUNCTION_UNKNOWN` if there is no such function; if it is loaded only now,
   * like `startGateway`.
   */
  invoke(functionName: string, event?: object): Promise<InvocationResult>;
  /** Closes every connection, ends every process and frees the ports. */
  close(): Promise<void>;
}

/**
 * Bundles Lambda functions and runs them behind a local API Gateway. Each execution environment is a
 * separate process, with the variables that Lambda sets and credentials of the gateway.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN or ERR_OPTION_VALUE for a wrong option.
 * @throws StartError - if the entry is missing, cannot be bundled or fails to load, if the handler or a
 * function of a route is missing, if the routes are not known, or if the port is taken.
 *
 * @example
 * ```ts
 * await using gateway = await startGateway({ entry: 'src/app.ts' });
 * const client = createClient({ url: gateway.url });
 * ```
 *
 * @example
 * ```ts
 * await using gateway = await startGateway({
 *   functions: { chat: { entry: 'src/chat.ts' }, auth: { entry: 'src/auth.ts', memoryMb: 256 } },
 *   routes: ['$connect', '$default'].map((routeKey) => ({ routeKey, function: 'chat' })),
 *   authorizer: { function: 'auth', identitySources: ['route.request.querystring.token'] },
 * });
 * ```
 * @group Start here
 */
export async function startGateway(options: StartGatewayOptions): Promise<LocalGateway> {
  const running = prepareGateway(options);
  try {
    return await running.start();
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** Checks the options of a gateway that is started later. @internal */
export function prepareGateway(options: StartGatewayOptions, notices?: Notices): RunningGateway {
  checkOptions('startGateway()', options, startOptionTypes);
  checkQuirks('startGateway()', options);
  for (const [name, own] of Object.entries(options.functions ?? {})) {
    checkOptions(`The function "${name}" of startGateway()`, own, functionOptionTypes);
  }
  for (const [name, own] of Object.entries(options.apis ?? {})) {
    checkOptions(`The API "${name}" of startGateway()`, own, apiDefinitionTypes);
    checkQuirks(`The API "${name}" of startGateway()`, own);
  }
  return new RunningGateway(options, notices);
}
