import { checkReachable } from '../channel/access.js';
import type { AnyClass } from '../channel/any-class.js';
import { compile } from '../channel/compile.js';
import { checkLog } from '../channel/history.js';
import { manifestOf, type RouteManifest } from '../channel/manifest.js';
import type { AppActions } from '../channel/publishing.js';
import type { Resolve } from '../channel/read-channel.js';
import type { RouteTable } from '../channel/route-table.js';
import type { StageAddress } from '../deliver/apigw/endpoint.js';
import type { Gateway } from '../deliver/gateway.js';
import { Stages } from '../deliver/stage.js';
import { AppHandle } from '../dispatch/app-handle.js';
import type { AppCore } from '../dispatch/app-invocation.js';
import { type Handler, makeHandler } from '../dispatch/dispatch.js';
import { IdentityCache } from '../dispatch/identity-cache.js';
import { RouteCheck } from '../dispatch/route-check.js';
import { checkOptions, option } from '../errors/check-options.js';
import { tracedFrom } from '../errors/gatecast-error.js';
import { composePlugins } from '../invocation/hooks.js';
import { Invocation } from '../invocation/invocation.js';
import type { AnyPlugin } from '../invocation/plugin.js';
import { checkStore, storeOption } from '../store/check-store.js';
import type { Store } from '../store/store.js';
import { Deadlines } from '../time/deadlines.js';
import type { Authorizer } from '../wire/handshake.js';
import { parseOrigins } from '../wire/origins.js';
import type { AcceptChannel, AppPublishing } from './types.js';

/** Options of {@link createApp}, without the channels. @group Start here */
export interface AppSettings {
  /** Where connections and subscriptions are kept. */
  readonly store: Store;
  /**
   * Determines the user of each connection. It runs as the API's REQUEST authorizer, or in `$connect` if
   * the API has none. With an authorizer, channels are closed to guests by default. Another authorizer on
   * the same API must not set `gatecast` in its context, because the app trusts the value of that key.
   * @default none: every connection is a guest
   */
  readonly authorizer?: Authorizer;
  /**
   * Origins whose pages may connect: `['https://chat.example.com']`. A handshake without `Origin` is
   * accepted, because it does not come from a browser, and so is one whose `Origin` equals its own host,
   * which React Native sends.
   * @default every origin
   */
  readonly origins?: readonly string[];
  /** Hooks around everything that the app does, in order. @default none */
  readonly plugins?: readonly AnyPlugin[];
  /**
   * The `@connections` API of the app's own stage.
   * @default Gatecast's own signed requests, to the endpoint in the event or in `GATECAST_ENDPOINT`
   */
  readonly gateway?: Gateway;
}

/** An app: the result of {@link createApp}. @group Start here */
// oxlint-disable-next-line typescript/no-explicit-any -- TypeScript 5.9 compares lists as invariant: only `any` fits all.
export interface App<L extends readonly unknown[] = any>
  extends AppPublishing<L>,
    Pick<AppActions, 'connection'> {
  /** Types only: the list of channels. */
  readonly '~channels'?: L;
  /** The one Lambda entry point: export it as `handler`. */
  readonly handler: Handler;
  /** The routes that the channels were compiled to. */
  readonly routes: RouteTable;
  /** A description of the app for infrastructure code. */
  readonly manifest: RouteManifest;
}

type Channels = readonly (AnyClass | object)[];

const SETTINGS = {
  channels: { ...option.list, takes: 'a list of channels: [RoomChannel]' },
  store: storeOption,
  authorizer: option.callback,
  origins: option.list,
  plugins: option.list,
  gateway: option.object,
  resolve: option.callback,
} as const;

/**
 * Makes an app from channel classes (or their instances, or `defineChannel` values) and a store.
 *
 * @example
 * ```ts
 * export const app = createApp({ channels: [RoomChannel], store: memoryStore() });
 * export const handler = app.handler;
 * ```
 *
 * @throws ConfigurationError - for the first mistake in the channels, plugins or options.
 * @group Start here
 */
export function createApp<const L extends Channels>(
  options: AppSettings & {
    readonly channels: L;
    /** Makes the instances of the classes, for example with a dependency-injection container. */
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
  return tracedFrom(createApp, () => buildApp(options, { now: Date.now }));
}

/** Makes an app with a given clock and stage, for tests. @internal */
export function buildApp<const L extends Channels>(
  options: AppSettings & { readonly channels: L; readonly resolve?: Resolve },
  { now, address }: { readonly now: () => number; readonly address?: StageAddress },
): App<L> {
  checkOptions('createApp()', options, SETTINGS);
  checkStore('createApp()', options.store);
  const { channels, store, authorizer, origins, plugins = [], gateway, resolve } = options;
  const table = compile(channels, resolve);
  checkReachable(table, authorizer !== undefined);
  const withHistory = table.channels.find(({ options }) => options.history);
  if (withHistory) checkLog(withHistory.label, store);
  const core: AppCore = {
    table,
    messages: new Map(
      table.routes.flatMap((route) => ('message' in route ? [[route.key, route]] : [])),
    ),
    store,
    ...composePlugins(plugins),
    now,
    stages: new Stages({ ...(gateway && { gateway }), ...(address && { address }) }),
    authorizer,
    origins: origins && parseOrigins(origins),
    identities: new IdentityCache(),
    routeCheck: new RouteCheck(),
    deadlines: new Deadlines(),
    ...(withHistory && { historyOf: (name: string) => table.find(name)?.value.options.history }),
    handle: (invocation, scope) => new AppHandle(invocation, scope),
  };
  for (const plugin of plugins) plugin.setup?.({ routes: table, store });
  const handle = core.handle(new Invocation(core, undefined));
  const manifest = manifestOf(table, {
    store,
    hasAuthorizer: authorizer !== undefined,
    origins: core.origins,
    plugins,
  });
  return Object.freeze({
    // For the `gatecast` command, because many modules export nothing but the handler.
    handler: Object.defineProperty(makeHandler(core), Symbol.for('gatecast.manifest'), {
      value: manifest,
    }),
    routes: table,
    manifest,
    // The types know the app's channels; at run time each name is checked when it is used.
    channel: ((name: string) => handle.channel(name)) as App<L>['channel'],
    connection: (id: string) => handle.connection(id),
  });
}
