import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import { type Bundler, openBundler, type Rebuild } from './bundle.js';
import type { Clock } from './clock.js';
import type { GatewayRoute } from './deployment.js';
import type { Faults } from './faults.js';
import { type Gateway, type GatewayOptions, openGateway } from './gateway.js';
import { lambdaVariables } from './lambda-variables.js';
import { type FunctionSettings, type LoadedFunction, loadFunction } from './load-function.js';
import type { PolicyDocument } from './policy.js';
import { StartError } from './start-error.js';

/** What came of taking over a change of the source. */
export type ReloadEvent =
  | {
      readonly type: 'reloaded';
      /** The function kept its state in memory, so every connection was closed and may come back. */
      readonly closedConnections: boolean;
    }
  | {
      /** The last good version goes on. */
      readonly type: 'failed';
      readonly error: Error;
    };

/** Options of {@link startGateway}. */
export interface StartGatewayOptions extends GatewayOptions {
  /** The source file that exports the handler, from the current folder. TypeScript or JavaScript. */
  readonly entry: string;
  /** Name of the export. @default 'handler' */
  readonly handler?: string | undefined;
  /**
   * Routes, or keys of one-way routes; or a manifest in the place of the one that `app` has.
   *
   * @default those of the export `app`
   */
  readonly routes?: readonly (string | GatewayRoute)[] | RouteManifest | undefined;
  /**
   * Environment variables of the function, over those that Lambda sets and those of this process.
   * The ones that lead to an AWS account, such as `AWS_PROFILE`, it gets only from here.
   *
   * @default none
   */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** What the function may do, as the policy of its role says it. @default everything */
  readonly permissions?: PolicyDocument | undefined;
  /** How long one invocation may take, in milliseconds. @default 29_000 */
  readonly timeoutMs?: number | undefined;
  /** Memory of one environment, in MB; bounds its JavaScript heap. @default 1024 */
  readonly memoryMb?: number | undefined;
  /**
   * How many invocations may run at once, each in a process of its own. Always 1 for an app whose
   * store is memory.
   *
   * @default 10
   */
  readonly maxEnvironments?: number | undefined;
  /** Take over changes of the source files. @default false */
  readonly watch?: boolean | undefined;
  /** Called after each change was taken over or refused. @default errors go to stderr */
  readonly onReload?: ((event: ReloadEvent) => void) | undefined;
}

/** A Lambda function behind a local API Gateway that is listening. */
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
 * Bundles a Lambda function and puts it behind a local API Gateway. Each execution environment is a
 * process of its own, with the variables that Lambda sets and credentials of the gateway's.
 *
 * @throws StartError - when the entry is missing, cannot be bundled or fails to load, when the
 * handler is missing or the routes are not known, and when the port is taken.
 *
 * @example
 * ```ts
 * await using gateway = await startGateway({ entry: 'src/app.ts' });
 * const client = createClient({ url: gateway.url });
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

const DEFAULT_REGION = 'us-east-1';
const DEFAULT_ACCOUNT_ID = '123456789012';

class RunningGateway {
  readonly #options: StartGatewayOptions;
  readonly #onReload: (event: ReloadEvent) => void;
  readonly #retired = new Set<LoadedFunction>();
  #directory: string | undefined;
  #bundler: Bundler | undefined;
  #gateway: Gateway | undefined;
  #current: LoadedFunction | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: StartGatewayOptions) {
    this.#options = options;
    this.#onReload = options.onReload ?? reportFailure;
  }

  async start(): Promise<LocalGateway> {
    const { entry, watch = false } = this.#options;
    // Outside the project, so that there is nothing to ignore or to clean.
    this.#directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
    this.#bundler = await openBundler(entry, this.#directory);
    const bundle = await this.#bundler.build();
    const gateway = await listen(this.#options);
    this.#gateway = gateway;
    const settings = await functionSettings(this.#options, gateway, this.#directory);
    this.#current = await loadFunction(bundle, settings);
    gateway.use(this.#current.deployment);
    if (watch) {
      await this.#bundler.watch((rebuild) => {
        this.#reloading = this.#reloading.then(() => this.#reload(rebuild, settings));
      });
    }
    return {
      port: gateway.port,
      url: gateway.url,
      endpoint: gateway.endpoint,
      clock: gateway.clock,
      faults: gateway.faults,
      close: () => this.close(),
      [Symbol.asyncDispose]: () => this.close(),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#bundler?.close();
    await this.#reloading;
    await this.#gateway?.close();
    const functions = [...this.#retired, ...(this.#current ? [this.#current] : [])];
    await Promise.all(functions.map(({ pool }) => pool.close()));
    if (this.#directory !== undefined) {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }

  async #reload(rebuild: Rebuild, settings: FunctionSettings): Promise<void> {
    try {
      if (rebuild.type === 'failed') {
        throw rebuild.error;
      }
      const next = await loadFunction(rebuild.bundle, settings);
      const closedConnections = await this.#replace(next);
      this.#onReload({ type: 'reloaded', closedConnections });
    } catch (error) {
      this.#onReload({ type: 'failed', error: error as Error });
    }
  }

  async #replace(next: LoadedFunction): Promise<boolean> {
    const gateway = this.#gateway;
    try {
      gateway?.use(next.deployment);
    } catch (error) {
      await next.pool.close();
      throw error;
    }
    const previous = this.#current;
    this.#current = next;
    if (previous !== undefined) {
      this.#retire(previous);
    }
    const closesConnections = next.isSingle || previous?.isSingle === true;
    if (closesConnections) {
      // Only after the change: a client that comes back at once must not meet the store that goes.
      await gateway?.closeAllConnections();
    }
    return closesConnections;
  }

  #retire(previous: LoadedFunction): void {
    this.#retired.add(previous);
    void previous.pool.drain().then(async () => {
      this.#retired.delete(previous);
      await rm(previous.bundle.file, { force: true });
      await rm(previous.bundle.mapFile, { force: true });
    });
  }
}

async function listen(options: StartGatewayOptions): Promise<Gateway> {
  try {
    return await openGateway(options);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
      throw new StartError(
        'ERR_PORT_TAKEN',
        `Port ${options.port} is taken by another program.`,
        'Choose another one with --port, or 0 for any that is free (option port of startGateway()).',
      );
    }
    throw error;
  }
}

async function functionSettings(
  options: StartGatewayOptions,
  gateway: Gateway,
  directory: string,
): Promise<FunctionSettings> {
  const { entry, handler = 'handler', memoryMb = 1024, timeoutMs = 29_000 } = options;
  const { region = DEFAULT_REGION, accountId = DEFAULT_ACCOUNT_ID } = options;
  const functionName = basename(entry, extname(entry));
  const credential = gateway.credentials.issue(
    `arn:aws:sts::${accountId}:assumed-role/${functionName}/${functionName}`,
    options.permissions,
  );
  return {
    entry,
    handler,
    memoryMb,
    timeoutMs,
    maxEnvironments: options.maxEnvironments ?? 10,
    routes: options.routes,
    functionArn: `arn:aws:lambda:${region}:${accountId}:function:${functionName}`,
    variables: {
      ...lambdaVariables({ functionName, bundleDirectory: directory, handler, region, memoryMb }),
      AWS_ACCESS_KEY_ID: credential.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
      AWS_SESSION_TOKEN: credential.sessionToken ?? '',
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: gateway.endpoint,
      GATECAST_ENDPOINT: gateway.endpoint,
      NODE_EXTRA_CA_CERTS: await writeCertificates(gateway.certificate, directory),
      ...options.environment,
    },
  };
}

/** Node reads one file, so what the shell trusts already goes into it too. */
async function writeCertificates(certificate: string, directory: string): Promise<string> {
  const shellFile = process.env['NODE_EXTRA_CA_CERTS'];
  const trusted = shellFile === undefined ? '' : await readFile(shellFile, 'utf8').catch(() => '');
  const file = join(directory, 'certificates.pem');
  await writeFile(file, `${trusted}\n${certificate}`);
  return file;
}

function reportFailure(event: ReloadEvent): void {
  if (event.type === 'failed') {
    process.stderr.write(`${event.error.message}\n`);
  }
}
