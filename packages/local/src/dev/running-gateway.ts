import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { RouteManifest } from '@gatecast/framework';
import { MAX_TIMER_MS } from '@gatecast/framework/adapter';
import type { AwsServices } from '../gateway/aws-service.js';
import { CLOSE_GRACE_MS, type StoppableGateway } from '../gateway/open-gateway.js';
import { apiDefaults } from '../gateway/options.js';
import { type Bundle, type Bundler, openBundler } from '../lambda/bundle.js';
import { type ReloadEvent, RunningFunction } from '../lambda/versions.js';
import { StartError } from '../start-error.js';
import { harmless } from '../unexpected.js';
import {
  configureForGateway,
  type GatewaySurroundings,
  gatewayVariables,
  writeCertificates,
} from './configure-for-gateway.js';
import type { ControlledFunctions } from './control/state.js';
import { callsDynamoDb, givenEndpoint, servicesWith } from './dynamodb/dynamodb-service.js';
import type { EmbeddedDynamoDb } from './dynamodb/embedded-dynamodb.js';
import { functionsOf, type NamedFunction } from './functions.js';
import { makeDeployment } from './make-deployment.js';
import { openGatewayOf } from './open-gateway.js';
import type { LocalGateway, StartGatewayOptions } from './start-gateway.js';

/** A source file of the DynamoDB store, in the workspace or installed. */
const DYNAMODB_STORE = /\badapters\/dist\/dynamodb\//;

/** Variables of this process that say where stores and the API are. */
const SETTINGS_OF_APPS = /^(?:GATECAST|AWS_ENDPOINT_URL)\w*$/;

/** What only a terminal is told. */
export interface Notices {
  /** A new version of a function is being loaded. The result follows as `onReload`. */
  readonly onReloading: (functionName: string) => void;
}

interface BuiltFunction extends NamedFunction {
  readonly bundler: Bundler;
  readonly bundle: Bundle;
}

/** A gateway with its functions, from the first build to the end of the last process. */
export class RunningGateway {
  readonly #options: StartGatewayOptions;
  readonly #notices: Notices | undefined;
  readonly #bundlers: Bundler[] = [];
  readonly #functions: RunningFunction[] = [];
  /** Messages of failed reloads by name of the function, until its next successful reload. */
  readonly #failures = new Map<string, string>();
  /** Aborted when it is closed, so that a start in progress ends. */
  readonly #closing = new AbortController();
  #starting: Promise<LocalGateway> | undefined;
  #directory: string | undefined;
  #store: EmbeddedDynamoDb | undefined;
  /** The services for integrations. */
  #services: AwsServices = {};
  /** The table of `dynamoDbStore`, if all functions use the same one. */
  #onlyTable: string | undefined;
  #gateway: StoppableGateway | undefined;
  #main: RunningFunction | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: StartGatewayOptions, notices?: Notices) {
    this.#options = options;
    this.#notices = notices;
  }

  /** @throws StartError like `startGateway`. Call `close` afterwards to free what was opened. */
  start(): Promise<LocalGateway> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<LocalGateway> {
    const { signal } = this.#closing;
    const functions = functionsOf(this.#options);
    // Outside of the project, so that nothing has to be ignored or cleaned up there.
    const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
    this.#directory = directory;
    const built = await all(
      functions.map((each, index) =>
        // Folders are numbered, because two names may be the same for a file system that ignores case.
        this.#build(each, join(directory, String(index))),
      ),
    );
    signal.throwIfAborted();
    const isInspected = functions.some(({ options }) => options.inspect !== undefined);
    // A function that stops at a breakpoint may take any time.
    const integrationTimeoutMs =
      this.#options.integrationTimeoutMs ?? (isInspected ? MAX_TIMER_MS : undefined);
    const options = { ...this.#options, integrationTimeoutMs };
    const gateway = await listen(options, this.#controlled());
    this.#gateway = gateway;
    const certificateFile = await writeCertificates(gateway.certificate, directory);
    const storeVariables = await this.#openStore(built);
    const { apiId = apiDefaults.apiId, stage = apiDefaults.stage } = this.#options;
    const { region = apiDefaults.region, accountId = apiDefaults.accountId } = this.#options;
    const dynamoDb = givenEndpoint(this.#variables) ?? this.#store?.endpoint;
    this.#services = servicesWith(dynamoDb, region);
    const api = { apiId, stage, region, accountId };
    const surroundings = { gateway, ...api, certificateFile, storeVariables };
    signal.throwIfAborted();
    const running = await all(built.map((parts) => this.#load(parts, surroundings)));
    this.#main = functions[0]?.isMain === true ? running[0] : undefined;
    this.#use(gateway, this.#main?.manifest);
    if (this.#options.watch === true) {
      await all(running.map((lambda) => this.#watch(lambda, gateway)));
    }
    return {
      port: gateway.port,
      url: gateway.url,
      endpoint: gateway.endpoint,
      environment: this.#environmentWith(surroundings),
      clock: gateway.clock,
      faults: gateway.faults,
      close: () => this.close(),
      [Symbol.asyncDispose]: () => this.close(),
    };
  }

  /** @param graceMs how long running events may take */
  close(graceMs: number = CLOSE_GRACE_MS): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.#closing.abort();
    await this.#starting?.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    // At first, because clients must not connect any more. Not awaited, because a reload may be running.
    const closing = this.#gateway?.closeWithin(graceMs);
    const reloaded = Promise.allSettled(this.#bundlers.map((bundler) => bundler.close())).then(() =>
      Promise.all(this.#functions.map((lambda) => lambda.reloaded())),
    );
    await Promise.race([reloaded, grace]);
    clearTimeout(timer);
    await closing;
    await Promise.all(this.#functions.map((lambda) => lambda.close()));
    await this.#store?.[Symbol.asyncDispose]();
    if (this.#directory !== undefined) {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }

  async #build(named: NamedFunction, directory: string): Promise<BuiltFunction> {
    await mkdir(directory);
    const bundler = await openBundler(named.options.entry, directory);
    this.#bundlers.push(bundler);
    return { ...named, bundler, bundle: await bundler.build() };
  }

  /** Starts an embedded DynamoDB if it is needed and there is no other one. */
  async #openStore(built: readonly BuiltFunction[]): Promise<Readonly<Record<string, string>>> {
    const variables = this.#variables;
    const users = built.filter(({ bundle }) =>
      bundle.inputs.some((input) => DYNAMODB_STORE.test(input)),
    );
    const { tables: given = [], routes } = this.#options;
    const isUsed = users.length > 0 || given.length > 0 || callsDynamoDb(routes);
    if (givenEndpoint(variables) !== undefined || !isUsed) return {};
    // As on AWS, a function must know the name of a table that somebody else defines.
    const fallback = this.#options.tables === undefined ? 'gatecast' : undefined;
    const shared = variables['GATECAST_TABLE'] ?? fallback;
    const ownTables = new Set(
      users
        .map(({ options }) => options.environment?.['GATECAST_TABLE'] ?? shared)
        .filter((name) => name !== undefined),
    );
    // Loaded here, because few functions need it.
    const { openEmbeddedDynamoDb } = await import('./dynamodb/embedded-dynamodb.js');
    const { tableDefinition } = await import('@gatecast/adapters/dynamodb');
    const { AttributeDefinitions, KeySchema } = tableDefinition;
    this.#onlyTable = ownTables.size === 1 ? [...ownTables][0] : undefined;
    const missing = [...ownTables]
      .filter((name) => given.every(({ TableName }) => TableName !== name))
      .map((TableName) => ({ TableName, AttributeDefinitions, KeySchema }));
    this.#store = await openEmbeddedDynamoDb({
      directory: this.#options.dataDirectory,
      tables: [...given, ...missing],
    });
    return {
      AWS_ENDPOINT_URL_DYNAMODB: this.#store.endpoint,
      ...(shared !== undefined && { GATECAST_TABLE: shared }),
    };
  }

  get #variables(): Readonly<Record<string, string | undefined>> {
    return { ...process.env, ...this.#options.environment };
  }

  async #load(
    { bundler, bundle, ...named }: BuiltFunction,
    surroundings: GatewaySurroundings,
  ): Promise<RunningFunction> {
    const configuration = configureForGateway(surroundings, named, dirname(bundle.file));
    // Closing tells the clients that their subscriptions are gone. Before that, the gateway answers the
    // invocations that ended with the process.
    const onStateLost = () => setImmediate(() => void surroundings.gateway.closeAllConnections());
    const { signal } = this.#closing;
    const lambda = await RunningFunction.load(
      configuration,
      { bundler, bundle, onStateLost },
      signal,
    );
    this.#functions.push(lambda);
    return lambda;
  }

  /** The variables of a further process that uses the same gateway and stores. */
  #environmentWith(surroundings: GatewaySurroundings): Readonly<Record<string, string>> {
    const { region, gateway } = surroundings;
    const settings = Object.entries(this.#variables).filter(([name]) =>
      SETTINGS_OF_APPS.test(name),
    );
    return {
      ...(Object.fromEntries(settings) as Record<string, string>),
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      ...gatewayVariables(surroundings, 'gatecast-env'),
      GATECAST_URL: gateway.url,
      ...(this.#onlyTable !== undefined && { GATECAST_TABLE: this.#onlyTable }),
    };
  }

  /** Serves the routes of the current version of the app of `entry`. */
  #use(gateway: StoppableGateway, manifest: RouteManifest | undefined): void {
    const { entry = '', routes, authorizer } = this.#options;
    const main = this.#main && { entry, function: this.#main, manifest };
    const named = this.#functions.filter((lambda) => lambda !== this.#main);
    const functions = new Map(named.map((lambda) => [lambda.name, lambda]));
    const services = this.#services;
    gateway.use(makeDeployment({ main, functions, routes, authorizer, services }));
  }

  #controlled(): ControlledFunctions {
    return {
      failures: () =>
        [...this.#failures].map(([functionName, message]) => ({ functionName, message })),
      killEnvironments: async () => {
        const killed = await all(this.#functions.map((lambda) => lambda.killEnvironments()));
        return killed.reduce((sum, count) => sum + count, 0);
      },
    };
  }

  async #watch(lambda: RunningFunction, gateway: StoppableGateway): Promise<void> {
    const onReload = harmless('onReload', this.#options.onReload ?? reportFailure);
    await lambda.watch({
      accept: (manifest) => {
        if (lambda === this.#main) {
          this.#use(gateway, manifest);
        }
      },
      closeAllConnections: () => gateway.closeAllConnections(),
      onReloading: () => this.#notices?.onReloading(lambda.name),
      onReload: (event) => {
        const { functionName } = event;
        if (event.type === 'reloaded') this.#failures.delete(functionName);
        // esbuild colours what it says for a terminal.
        else this.#failures.set(functionName, stripVTControlCharacters(event.error.message));
        onReload(event);
      },
    });
  }
}

async function listen(
  options: StartGatewayOptions,
  functions: ControlledFunctions,
): Promise<StoppableGateway> {
  try {
    return await openGatewayOf(options, functions);
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

/** Waits for all of them even if one fails, so that nothing is still being opened afterwards. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function reportFailure(event: ReloadEvent): void {
  if (event.type === 'failed') {
    process.stderr.write(`${event.error.message}\n`);
  }
}
