import { checkReachable } from '../channel/access.js';
import type { AnyClass } from '../channel/any-class.js';
import { compile } from '../channel/compile.js';
import { manifestRoutes, type RouteManifest } from '../channel/manifest.js';
import type { Publishing } from '../channel/publishing.js';
import type { Resolve } from '../channel/read-channel.js';
import type { RouteTable } from '../channel/route-table.js';
import { managementEndpoint } from '../deliver/apigw/endpoint.js';
import type { Gateway } from '../deliver/gateway.js';
import { checkOptions, option } from '../errors/check-options.js';
import { tracedFrom } from '../errors/gatecast-error.js';
import { type AnyPlugin, composeHooks } from '../hooks/plugin.js';
import { makeReport } from '../hooks/report.js';
import { type Handler, makeHandler } from '../invocation/dispatch.js';
import { type AppCore, publishing } from '../invocation/invocation.js';
import { checkStore, storeOption } from '../store/check-store.js';
import type { Store } from '../store/store.js';
import type { Authorizer } from '../wire/handshake.js';
import { parseOrigins } from '../wire/origins.js';
import type { AcceptChannel, AppPublishing } from './types.js';

/** Options of {@link createApp} beside the channels. */
export interface AppSettings {
  /** Where connections and subscriptions live. */
  readonly store: Store;
  /**
   * Says who a connection is. Runs as the API's REQUEST authorizer, or in `$connect` where the API has
   * none. With one, channels are closed to guests unless they say otherwise.
   * @default none: every connection is a guest
   */
  readonly authorizer?: Authorizer;
  /**
   * Origins whose pages may connect: `['https://chat.example.com']`. A handshake without
   * `Origin` passes: every browser sends one. So does one whose `Origin` is the host that it is made to:
   * React Native sends that.
   * @default every origin
   */
  readonly origins?: readonly string[];
  /** Hooks around everything the app does, in order. @default none */
  readonly plugins?: readonly AnyPlugin[];
  /** The `@connections` API. @default the AWS SDK, at the endpoint of the event or of `GATECAST_ENDPOINT` */
  readonly gateway?: Gateway;
}

/** An app: what {@link createApp} returns. */
export interface App<L extends readonly unknown[] = readonly unknown[]> extends AppPublishing<L> {
  /** Types only: the list of channels. */
  readonly '~channels'?: L;
  /** The one Lambda entry point: export it as `handler`. */
  readonly handler: Handler;
  /** What the channels compiled to. */
  readonly routes: RouteTable;
  /** What infrastructure needs to know of the app. */
  readonly manifest: RouteManifest;
}

type Channels = readonly (AnyClass | object)[];

const PUBLISHER_OPTIONS = {
  store: storeOption,
  gateway: option.object,
  plugins: option.list,
} as const;
const SETTINGS = {
  channels: option.list,
  store: storeOption,
  authorizer: option.callback,
  origins: option.list,
  plugins: option.list,
  gateway: option.object,
  resolve: option.callback,
} as const;

/**
 * Makes an app of channel classes (or instances of them, or `defineChannel` values) and a store.
 *
 * @example
 * ```ts
 * export const app = createApp({ channels: [RoomChannel], store: memoryStore() });
 * export const handler = app.handler;
 * ```
 *
 * @throws ConfigurationError - for the first mistake in the channels, plugins or options.
 */
export function createApp<const L extends Channels>(
  options: AppSettings & {
    readonly channels: L;
    /** Makes the instances of the classes: the way into a dependency-injection container. */
    readonly resolve: Resolve;
  },
): App<L>;
export function createApp<const L extends Channels>(
  options: AppSettings & {
    readonly channels: L & { readonly [I in keyof L]: AcceptChannel<L[I]> };
  },
): App<L>;
export function createApp<const L extends Channels>(
  options: AppSettings & { readonly channels: L; readonly resolve?: Resolve },
): App<L> {
  return tracedFrom(createApp, () => buildApp(options, Date.now));
}

/** Makes an app with a clock of its own, for tests. @internal */
export function buildApp<const L extends Channels>(
  options: AppSettings & { readonly channels: L; readonly resolve?: Resolve },
  now: () => number,
): App<L> {
  checkOptions('createApp()', options, SETTINGS);
  checkStore('createApp()', options.store);
  const { channels, store, authorizer, origins, plugins = [], gateway, resolve } = options;
  const table = compile(channels, resolve);
  checkReachable(table, authorizer !== undefined);
  const core: AppCore = {
    table,
    store,
    hooks: composeHooks(plugins),
    report: makeReport(plugins),
    now,
    gateway: gateway ? async () => gateway : makeGateways(),
    ...(authorizer && { authorizer }),
    ...(origins && { origins: parseOrigins(origins) }),
  };
  const anywhere = publishing(core);
  for (const plugin of plugins) plugin.setup?.({ routes: table, store });
  return Object.freeze({
    handler: makeHandler(core),
    routes: table,
    manifest: {
      version: 1,
      authorizer: authorizer !== undefined,
      singleEnvironment: store.isInProcess ?? false,
      routes: manifestRoutes(table.routes),
    } as const,
    // Which channels an app has is a matter of types; at run time any legal name will do.
    channel: ((name: string) => anywhere.channel(name)) as App<L>['channel'],
  });
}

/** Options of {@link createPublisher}. */
export interface PublisherOptions extends Pick<AppSettings, 'store' | 'gateway'> {
  /** Hooks around publishing and delivery. @default none */
  readonly plugins?: readonly AnyPlugin[];
}

/**
 * Publishes from a function that is not the app's own, such as one behind a REST API. It loads no
 * channel class. The function needs the environment variable `GATECAST_ENDPOINT`, or the option
 * `gateway`: without either, `publish` rejects with ERR_ENDPOINT_UNKNOWN.
 *
 * @example
 * ```ts
 * const realtime = createPublisher<typeof app>({ store });
 * await realtime.channel('rooms/42').publish('message', { text: 'hello' });
 * ```
 *
 * @throws ConfigurationError - for the first mistake in the plugins or options.
 */
export function createPublisher<A extends App = never>(
  options: PublisherOptions,
): [A] extends [never] ? Publishing : Pick<A, 'channel'> {
  checkOptions('createPublisher()', options, PUBLISHER_OPTIONS);
  checkStore('createPublisher()', options.store);
  const { store, gateway, plugins = [] } = options;
  const core = {
    table: { routes: [], channels: [], find: () => undefined },
    store,
    hooks: composeHooks(plugins),
    report: makeReport(plugins),
    now: Date.now,
    gateway: gateway ? async () => gateway : makeGateways(),
  } satisfies AppCore;
  return publishing(core);
}

function makeGateways(): AppCore['gateway'] {
  const made = new Map<string, Promise<Gateway>>();
  return async (address) => {
    const endpoint = managementEndpoint(address);
    // The SDK takes some 40 ms to load: only a function that posts pays for it.
    const gateway =
      made.get(endpoint) ??
      import('../aws-gateway.js').then(({ awsGateway }) => awsGateway(endpoint));
    made.set(endpoint, gateway);
    return gateway;
  };
}
