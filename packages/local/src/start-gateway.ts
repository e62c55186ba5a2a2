import type { RouteManifest } from '@gatecast/framework';
import type { Clock } from './clock.js';
import type { Faults } from './faults.js';
import type { GatewayOptions } from './gateway.js';
import type { FunctionOptions } from './lambda/function-options.js';
import type { ReloadEvent } from './lambda/running-function.js';
import type { LocalAuthorizer, LocalRoute } from './make-deployment.js';
import { RunningGateway } from './running-gateway.js';

/**
 * Options of {@link startGateway}. Most APIs have one function: `entry`. Further ones are named in
 * `functions`; what is said of `entry` beside it, `handler` aside, then holds for those that do not
 * say otherwise.
 */
export interface StartGatewayOptions extends GatewayOptions, Partial<FunctionOptions> {
  /**
   * Functions beside that of `entry` or in its place, by name. Each has processes, variables and an
   * access key of its own, and is reloaded by itself.
   *
   * @default none
   */
  readonly functions?: Readonly<Record<string, FunctionOptions>> | undefined;
  /**
   * Routes, or keys of one-way routes; or a manifest in the place of the one that `app` has.
   *
   * @default those of the export `app` of `entry`
   */
  readonly routes?: readonly (string | LocalRoute)[] | RouteManifest | undefined;
  /**
   * The authorizer on `$connect`, one of `functions`.
   *
   * @default the function of `entry`, when the manifest says that it is one
   */
  readonly authorizer?: LocalAuthorizer | undefined;
  /**
   * Where the embedded DynamoDB keeps its data. One is started for functions that use
   * `dynamoDbStore`, unless `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` say where another one
   * is.
   *
   * @default in memory, so that it is empty after a restart
   */
  readonly dataDirectory?: string | undefined;
  /** Take over changes of the source files. @default false */
  readonly watch?: boolean | undefined;
  /** Called after each change was taken over or refused. @default errors go to stderr */
  readonly onReload?: ((event: ReloadEvent) => void) | undefined;
}

/** Lambda functions behind a local API Gateway that is listening. */
export interface LocalGateway extends AsyncDisposable {
  /** The port it listens on. */
  readonly port: number;
  /** Where clients connect: `ws://localhost:PORT/STAGE`. `wss` works on the same port. */
  readonly url: string;
  /** Where functions post: `http://localhost:PORT/STAGE`. `https` works on the same port. */
  readonly endpoint: string;
  /** The gateway's time; functions have that of the machine. */
  readonly clock: Clock;
  /** What is to go wrong. */
  readonly faults: Faults;
  /** Closes every connection, ends every process and frees the port. */
  close(): Promise<void>;
}

/**
 * Bundles Lambda functions and puts them behind a local API Gateway. Each execution environment is a
 * process of its own, with the variables that Lambda sets and credentials of the gateway's.
 *
 * @throws StartError - when the entry is missing, cannot be bundled or fails to load, when the
 * handler is missing or the routes are not known, when a route names a function that is not there,
 * and when the port is taken.
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
 */
export async function startGateway(options: StartGatewayOptions): Promise<LocalGateway> {
  const running = new RunningGateway(options);
  try {
    return await running.start();
  } catch (error) {
    await running.close();
    throw error;
  }
}
