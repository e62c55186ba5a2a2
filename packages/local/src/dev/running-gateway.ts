import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { RouteManifest } from '@gatecast/framework';
import { MAX_TIMER_MS } from '@gatecast/framework/adapter';
import { type Credential, Credentials } from '../gateway/access/credentials.js';
import type { AwsServices } from '../gateway/aws-service.js';
import type { LambdaFunction } from '../gateway/lambda-function.js';
import { CLOSE_GRACE_MS } from '../gateway/open-gateway.js';
import { apiDefaults } from '../gateway/options.js';
import type { Permissions } from '../iam/permissions.js';
import { type AssetCopies, openCode } from '../lambda/asset.js';
import type { Bundle, Bundler } from '../lambda/bundle.js';
import { warnOfSdkV2 } from '../lambda/sdk-v2.js';
import { type ReloadEvent, RunningFunction } from '../lambda/versions.js';
import { harmless } from '../unexpected.js';
import {
  configureForGateway,
  type GatewaySurroundings,
  gatewayVariables,
  variablesOfRole,
  writeCertificates,
} from './configure-for-gateway.js';
import type { ControlledFunctions } from './control/state.js';
import { givenEndpoint, servicesWith } from './dynamodb/dynamodb-service.js';
import {
  functionsOf,
  isLate,
  type NamedFunction,
  permittedFunctions,
  unknownFunction,
} from './functions.js';
import { LateFunction } from './late-function.js';
import { makeDeployment } from './make-deployment.js';
import { type OpenStore, openStore } from './open-store.js';
import { openRecorder, type Recorder } from './recorder/recorder.js';
import { type DefinedApi, openApis } from './served-apis.js';
import type { LocalApi, LocalGateway, StartGatewayOptions } from './start-gateway.js';

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
  /** Functions by name, but for that of `entry`. */
  readonly #named = new Map<string, LambdaFunction>();
  readonly #late: LateFunction[] = [];
  /** Messages of failed reloads by name of the function, until its next successful reload. */
  readonly #failures = new Map<string, string>();
  /** Aborted when it is closed, so that a start in progress ends. */
  readonly #closing = new AbortController();
  readonly #apis: DefinedApi[] = [];
  readonly #credentials = new Credentials();
  #starting: Promise<LocalGateway> | undefined;
  #directory: string | undefined;
  #folders = 0;
  readonly #copies: AssetCopies = new Map();
  #store: OpenStore | undefined;
  #recorder: Recorder | undefined;
  /** The services for integrations. */
  #services: AwsServices = {};
  #main: RunningFunction | undefined;
  #surroundings: GatewaySurroundings | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: StartGatewayOptions, notices?: Notices) {
    this.#options = options;
    this.#notices = notices;
    // Each function that is being loaded adds a listener, and Node warns about more than ten.
    setMaxListeners(0, this.#closing.signal);
  }

  /** What functions and roles called, from the start to the last event. */
  get permissions(): Permissions {
    return this.#credentials.permissions;
  }

  /** @throws StartError like `startGateway`. Call `close` afterwards to free what was opened. */
  start(): Promise<LocalGateway> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<LocalGateway> {
    const { signal } = this.#closing;
    const all = functionsOf(this.#options);
    const late = all.filter((each) => isLate(each, this.#options));
    const functions = all.filter((each) => !late.includes(each));
    // Outside of the project, so that nothing has to be ignored or cleaned up there.
    const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
    this.#directory = directory;
    const built = await settled(functions.map((each) => this.#build(each, directory)));
    signal.throwIfAborted();
    const isInspected = functions.some(({ options }) => options.inspect !== undefined);
    // A function that stops at a breakpoint may take any time.
    const integrationTimeoutMs =
      this.#options.integrationTimeoutMs ?? (isInspected ? MAX_TIMER_MS : undefined);
    const options = { ...this.#options, integrationTimeoutMs };
    const credentials = this.#credentials;
    await openApis(options, { functions: this.#controlled(), credentials }, this.#apis);
    const certificate = this.#apis[0]?.gateway.certificate ?? '';
    const certificateFile = await writeCertificates(certificate, directory);
    const variables = { ...process.env, ...this.#options.environment };
    this.#store = await openStore(this.#options, built, all);
    const storeVariables = this.#store?.variables ?? {};
    const { region = apiDefaults.region, accountId = apiDefaults.accountId } = this.#options;
    if (all.some((each) => each.options.permissions !== undefined)) {
      this.#recorder = await openRecorder(credentials);
    }
    const { permissions } = credentials;
    const dynamoDb = givenEndpoint(variables) ?? this.#store?.endpoint;
    this.#services = servicesWith(dynamoDb, { region, permissions });
    // With several APIs, a function has to say which one: by its event or by variables of its own. One that
    // belongs to a template only has the variables of the template.
    const givesAddress = this.#apis.length === 1 && this.#options.tables === undefined;
    const place = { apis: this.#apis, region, accountId, givesAddress };
    const keys = new Map<string, Credential>();
    const stores = { storeVariables, recorder: this.#recorder };
    const surroundings = { ...place, credentials, keys, certificateFile, ...stores };
    this.#surroundings = surroundings;
    signal.throwIfAborted();
    const running = await settled(built.map((parts) => this.#load(parts, surroundings)));
    this.#main = functions[0]?.isMain === true ? running[0] : undefined;
    for (const lambda of running) {
      if (lambda !== this.#main) this.#named.set(lambda.name, lambda);
    }
    for (const each of late) {
      const lambda = new LateFunction(() => this.#loadLate(each, surroundings));
      this.#late.push(lambda);
      this.#named.set(each.name, lambda);
    }
    this.#use(this.#main?.manifest);
    if (this.#options.watch === true) {
      await settled(running.map((lambda) => this.#watch(lambda)));
    }
    return this.#localGateway(surroundings);
  }

  #localGateway(surroundings: GatewaySurroundings): LocalGateway {
    const [first, ...others] = this.#apis.map((api) => ({
      name: api.name ?? '',
      api: {
        apiId: api.apiId,
        port: api.gateway.port,
        url: api.gateway.url,
        endpoint: api.gateway.endpoint,
        environment: this.#environmentWith(surroundings, api),
        clock: api.gateway.clock,
        faults: api.gateway.faults,
      },
    }));
    return {
      ...(first as { readonly api: LocalApi }).api,
      apis: Object.fromEntries(others.map(({ name, api }) => [name, api])),
      invoke: async (name, event = {}) =>
        this.#function(name).invoke(event, { requestId: randomUUID() }),
      close: () => this.close(),
      [Symbol.asyncDispose]: () => this.close(),
    };
  }

  #function(name: string): LambdaFunction {
    const main = this.#main?.name === name ? this.#main : undefined;
    const lambda = this.#named.get(name) ?? main;
    return lambda ?? unknownFunction(name, [...this.#named.keys()]);
  }

  async #loadLate(
    named: NamedFunction,
    surroundings: GatewaySurroundings,
  ): Promise<LambdaFunction> {
    this.#closing.signal.throwIfAborted();
    const built = await this.#build(named, this.#directory ?? '');
    const lambda = await this.#load(built, surroundings);
    if (this.#options.watch === true) await this.#watch(lambda);
    return lambda;
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
    const closing = Promise.all(this.#apis.map(({ gateway }) => gateway.closeWithin(graceMs)));
    const reloaded = Promise.allSettled(this.#bundlers.map((bundler) => bundler.close())).then(() =>
      Promise.all(this.#functions.map((lambda) => lambda.reloaded())),
    );
    await Promise.race([reloaded, grace]);
    clearTimeout(timer);
    await closing;
    await Promise.all(this.#late.map((lambda) => lambda.settled()));
    await Promise.all(this.#functions.map((lambda) => lambda.close()));
    await this.#recorder?.[Symbol.asyncDispose]();
    await this.#store?.[Symbol.asyncDispose]();
    if (this.#directory !== undefined) {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }

  async #build(named: NamedFunction, parent: string): Promise<BuiltFunction> {
    // Folders are numbered, because two names may be the same for a file system that ignores case.
    const directory = join(parent, String(this.#folders));
    this.#folders += 1;
    await mkdir(directory);
    const bundler = await openCode(named.options, directory, this.#copies);
    this.#bundlers.push(bundler);
    return { ...named, bundler, bundle: await bundler.build() };
  }

  async #load(
    { bundler, bundle, ...named }: BuiltFunction,
    surroundings: GatewaySurroundings,
  ): Promise<RunningFunction> {
    const configuration = configureForGateway(surroundings, named, bundle.folder);
    // Closing tells the clients that their subscriptions are gone. Before that, the gateway answers the
    // invocations that ended with the process.
    const onStateLost = () => setImmediate(() => void this.#closeAllConnections());
    const { signal } = this.#closing;
    const lambda = await RunningFunction.load(
      configuration,
      { bundler, bundle, onStateLost },
      signal,
    );
    this.#functions.push(lambda);
    this.#register(named.name);
    if (named.options.permissions !== undefined) await warnOfSdkV2(named.name, bundle);
    if (named.options.asset !== undefined && lambda.manifest?.singleEnvironment === true) {
      process.stderr.write(
        `Warning: the store of "${named.name}" is in the memory of one process. Here it has one, but on AWS ` +
          'each environment would have a store of its own. Use dynamoDbStore() or redisStore().\n',
      );
    }
    return lambda;
  }

  async #closeAllConnections(): Promise<void> {
    await Promise.all(this.#apis.map(({ gateway }) => gateway.closeAllConnections()));
  }

  /** The variables of a further process that uses the API and the same stores. */
  #environmentWith(
    surroundings: GatewaySurroundings,
    api: DefinedApi,
  ): Readonly<Record<string, string>> {
    const { region = surroundings.region } = api.definition;
    const variables = { ...process.env, ...this.#options.environment };
    const { onlyTable, onlyKeyPrefix } = this.#store ?? {};
    const settings = Object.entries(variables).filter(([name]) => SETTINGS_OF_APPS.test(name));
    return {
      ...(Object.fromEntries(settings) as Record<string, string>),
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      ...gatewayVariables(surroundings, api, 'gatecast-env'),
      GATECAST_URL: api.gateway.url,
      ...(onlyTable !== undefined && { GATECAST_TABLE: onlyTable }),
      ...(onlyKeyPrefix !== undefined && { GATECAST_KEY_PREFIX: onlyKeyPrefix }),
    };
  }

  /** Variables for processes that run functions by their roles outside of the gateway. They are secret. */
  roleVariables(): Readonly<Record<string, Readonly<Record<string, string>>>> {
    const surroundings = this.#surroundings;
    if (surroundings === undefined) return {};
    const withRole = functionsOf(this.#options).filter(({ options }) => options.permissions);
    return Object.fromEntries(
      withRole.map((each) => [each.name, variablesOfRole(surroundings, each)]),
    );
  }

  /** Makes the role of a function known, before it calls anything. */
  #register(name: string): void {
    const credential = this.#surroundings?.keys.get(name);
    if (credential !== undefined) this.#credentials.permissions.add(credential);
  }

  /** Serves the routes of the current version of the app of `entry`. */
  #use(manifest: RouteManifest | undefined): void {
    const { entry = '' } = this.#options;
    const permitted = permittedFunctions(this.#options);
    const own = this.#main && permitted(this.#main.name, this.#main);
    const main = own && { entry, function: own, manifest };
    const functions = new Map(
      [...this.#named].map(([name, lambda]) => [name, permitted(name, lambda)]),
    );
    const services = this.#services;
    // All are made at first, so that a mistake in one changes none.
    const deployments = this.#apis.map(({ definition: { routes, authorizer } }) =>
      makeDeployment({ main, functions, routes, authorizer, services }),
    );
    for (const [index, deployment] of deployments.entries()) {
      this.#apis[index]?.gateway.use(deployment);
    }
  }

  #controlled(): ControlledFunctions {
    return {
      failures: () =>
        [...this.#failures].map(([functionName, message]) => ({ functionName, message })),
      killEnvironments: async () => {
        const killed = await settled(this.#functions.map((lambda) => lambda.killEnvironments()));
        return killed.reduce((sum, count) => sum + count, 0);
      },
    };
  }

  async #watch(lambda: RunningFunction): Promise<void> {
    const onReload = harmless('onReload', this.#options.onReload ?? reportFailure);
    await lambda.watch({
      accept: (manifest) => {
        if (lambda === this.#main) {
          this.#use(manifest);
        }
      },
      closeAllConnections: () => this.#closeAllConnections(),
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

/** Waits for all of them even if one fails, so that nothing is still being opened afterwards. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function reportFailure(event: ReloadEvent): void {
  if (event.type === 'failed') {
    process.stderr.write(`${event.error.message}\n`);
  }
}
