import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { RouteManifest } from '@gatecast/framework';
import { MAX_TIMER_MS } from '@gatecast/framework/adapter';
import { type Gateway, openGatewayBefore } from '../gateway/open-gateway.js';
import { type Bundle, type Bundler, openBundler } from '../lambda/bundle.js';
import { definitionsOf, type FunctionDefinition } from '../lambda/function-definition.js';
import {
  type FunctionSurroundings,
  functionSettings,
  writeCertificates,
} from '../lambda/function-settings.js';
import { type ReloadEvent, RunningFunction } from '../lambda/versions.js';
import { StartError } from '../start-error.js';
import { harmless } from '../unexpected.js';
import type { ControlledFunctions } from './control/state.js';
import type { EmbeddedDynamoDb } from './dynamodb/embedded-dynamodb.js';
import { makeDeployment } from './make-deployment.js';
import type { LocalGateway, StartGatewayOptions } from './start-gateway.js';

// The gateway's defaults, which functions get as variables, too.
const DEFAULT_API_ID = 'local00000';
const DEFAULT_STAGE = 'dev';
const DEFAULT_REGION = 'us-east-1';
const DEFAULT_ACCOUNT_ID = '123456789012';

/** A source file of the DynamoDB store, in the workspace or installed. */
const DYNAMODB_STORE = /\badapters\/dist\/dynamodb\//;

interface BuiltFunction {
  readonly definition: FunctionDefinition;
  readonly directory: string;
  readonly bundler: Bundler;
  readonly bundle: Bundle;
}

/** A gateway with its functions, from the first build to the end of the last process. */
export class RunningGateway {
  readonly #options: StartGatewayOptions;
  readonly #bundlers: Bundler[] = [];
  readonly #functions: RunningFunction[] = [];
  /** Messages of failed reloads by name of the function, until its next successful reload. */
  readonly #failures = new Map<string, string>();
  #directory: string | undefined;
  #store: EmbeddedDynamoDb | undefined;
  #gateway: Gateway | undefined;
  #main: RunningFunction | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: StartGatewayOptions) {
    this.#options = options;
  }

  /** @throws StartError like `startGateway`. Call `close` afterwards to free what was opened. */
  async start(): Promise<LocalGateway> {
    const { main, named } = definitionsOf(this.#options);
    // Outside of the project, so that nothing has to be ignored or cleaned up there.
    const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
    this.#directory = directory;
    const definitions = main === undefined ? named : [main, ...named];
    const built = await all(
      definitions.map((definition, index) =>
        // Folders are numbered, because two names may be the same for a file system that ignores case.
        this.#build(definition, join(directory, String(index))),
      ),
    );
    const isInspected = definitions.some(({ inspect }) => inspect !== undefined);
    // A function that stops at a breakpoint may take any time.
    const integrationTimeoutMs =
      this.#options.integrationTimeoutMs ?? (isInspected ? MAX_TIMER_MS : undefined);
    const options = { ...this.#options, integrationTimeoutMs };
    const gateway = await listen(options, this.#controlled());
    this.#gateway = gateway;
    const certificateFile = await writeCertificates(gateway.certificate, directory);
    const storeVariables = await this.#openStore(built);
    const shared = { gateway, certificateFile, storeVariables };
    const running = await all(built.map((parts) => this.#load(parts, shared)));
    this.#main = main === undefined ? undefined : running[0];
    this.#use(gateway, this.#main?.manifest);
    if (this.#options.watch === true) {
      await all(running.map((lambda) => this.#watch(lambda, gateway)));
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
    // At first, because clients must not connect any more. Not awaited, because a reload may be running.
    const closing = this.#gateway?.close();
    await Promise.all(this.#bundlers.map((bundler) => bundler.close()));
    await Promise.all(this.#functions.map((lambda) => lambda.reloaded()));
    await closing;
    await Promise.all(this.#functions.map((lambda) => lambda.close()));
    await this.#store?.[Symbol.asyncDispose]();
    if (this.#directory !== undefined) {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }

  async #build(definition: FunctionDefinition, directory: string): Promise<BuiltFunction> {
    await mkdir(directory);
    const bundler = await openBundler(definition.entry, directory);
    this.#bundlers.push(bundler);
    return { definition, directory, bundler, bundle: await bundler.build() };
  }

  /** Starts an embedded DynamoDB if it is needed and there is no other one. */
  async #openStore(built: readonly BuiltFunction[]): Promise<Readonly<Record<string, string>>> {
    const variables = { ...process.env, ...this.#options.environment };
    const hasEndpoint =
      variables['AWS_ENDPOINT_URL_DYNAMODB'] !== undefined ||
      variables['AWS_ENDPOINT_URL'] !== undefined;
    const users = built.filter(({ bundle }) =>
      bundle.inputs.some((input) => DYNAMODB_STORE.test(input)),
    );
    const { tables: given = [] } = this.#options;
    if (hasEndpoint || (users.length === 0 && given.length === 0)) return {};
    // As on AWS, a function must know the name of a table that somebody else defines.
    const fallback = this.#options.tables === undefined ? 'gatecast' : undefined;
    const shared = variables['GATECAST_TABLE'] ?? fallback;
    const ownTables = new Set(
      users
        .map(({ definition }) => definition.environment?.['GATECAST_TABLE'] ?? shared)
        .filter((name) => name !== undefined),
    );
    // Loaded here, because few functions need it.
    const { openEmbeddedDynamoDb } = await import('./dynamodb/embedded-dynamodb.js');
    const { tableDefinition } = await import('@gatecast/adapters/dynamodb');
    const { AttributeDefinitions, KeySchema } = tableDefinition;
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

  async #load(
    { definition, directory, bundler, bundle }: BuiltFunction,
    shared: Pick<FunctionSurroundings, 'gateway' | 'certificateFile' | 'storeVariables'>,
  ): Promise<RunningFunction> {
    const { apiId = DEFAULT_API_ID, stage = DEFAULT_STAGE } = this.#options;
    const { region = DEFAULT_REGION, accountId = DEFAULT_ACCOUNT_ID } = this.#options;
    const surroundings = { ...shared, apiId, stage, region, accountId, directory };
    const settings = functionSettings(definition, surroundings);
    const { name } = definition;
    // Closing tells the clients that their subscriptions are gone. Before that, the gateway answers the
    // invocations that ended with the process.
    const onStateLost = () => setImmediate(() => void shared.gateway.closeAllConnections());
    const lambda = await RunningFunction.load({ name, bundler, bundle, settings, onStateLost });
    this.#functions.push(lambda);
    return lambda;
  }

  /** Serves the routes of the current version of the app of `entry`. */
  #use(gateway: Gateway, manifest: RouteManifest | undefined): void {
    const { entry = '', routes, authorizer } = this.#options;
    const main = this.#main && { entry, function: this.#main, manifest };
    const named = this.#functions.filter((lambda) => lambda !== this.#main);
    const functions = new Map(named.map((lambda) => [lambda.name, lambda]));
    gateway.use(makeDeployment({ main, functions, routes, authorizer }));
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

  async #watch(lambda: RunningFunction, gateway: Gateway): Promise<void> {
    const onReload = harmless('onReload', this.#options.onReload ?? reportFailure);
    await lambda.watch({
      accept: (manifest) => {
        if (lambda === this.#main) {
          this.#use(gateway, manifest);
        }
      },
      closeAllConnections: () => gateway.closeAllConnections(),
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
): Promise<Gateway> {
  try {
    return await openGatewayBefore(functions, options);
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
