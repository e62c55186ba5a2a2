import type { Route, RouteTable } from './route-table.js';

/** One route, described for infrastructure code. @group Deployment */
export interface ManifestRoute {
  /** `$connect`, `subscribe`, `rooms.post`. */
  readonly routeKey: string;
  /** `mock`: API Gateway itself answers with `response`, without running a function. */
  readonly integration: 'lambda' | 'mock';
  /** Whether the route needs a route response. */
  readonly twoWay: boolean;
  /** The method that handles it: `RoomChannel.post`. Absent for routes of the framework. */
  readonly source?: string;
  /** The answer of a MOCK integration. */
  readonly response?: string;
}

/**
 * An app, described for infrastructure code: the output of `gatecast manifest`. Later releases may add
 * keys, so ignore those that you do not know.
 *
 * @group Deployment
 */
export interface RouteManifest {
  /** Version of this format. */
  readonly version: 1;
  /** Whether the app's function is also a REQUEST authorizer for `$connect`, without identity sources. */
  readonly authorizer: boolean;
  /** Whether the app's state is in the memory of one process, so that only one may run. */
  readonly singleEnvironment: boolean;
  /** The name of the store: `dynamodb`, `redis`, `memory`, or several joined by `+`. */
  readonly store?: string;
  /** Origins whose pages may connect, as browsers send them. Absent if all may. */
  readonly origins?: readonly string[];
  // The flags below say what would not run if API Gateway wrote and removed connections itself.

  /** Whether a channel has a handler for `$connect`. */
  readonly hasConnect?: boolean;
  /** Whether a channel has a handler for `$disconnect`. */
  readonly hasDisconnect?: boolean;
  /** Whether a channel has a handler for the end of a subscription, which `$disconnect` runs, too. */
  readonly hasUnsubscribe?: boolean;
  /** Whether a plugin that does more than observe has the hook `onConnect`. */
  readonly hasConnectHook?: boolean;
  /** Whether a plugin that does more than observe has the hook `onDisconnect`. */
  readonly hasDisconnectHook?: boolean;
  /** Whether a plugin that does more than observe has the hook `onUnsubscribe`. */
  readonly hasUnsubscribeHook?: boolean;
  /** Whether a channel keeps its events, for which the store needs a log. */
  readonly hasHistory?: boolean;
  /** Whether `$connect` subscribes connections to a channel. */
  readonly autoSubscribes?: boolean;
  /** All routes, with those of the framework: `$connect`, `$disconnect`, `$default`, `subscribe` … */
  readonly routes: readonly ManifestRoute[];
}

/** The parts of an app that its manifest describes, besides the channels. */
interface ManifestParts {
  readonly store: { readonly name: string; readonly isInProcess?: boolean };
  readonly hasAuthorizer: boolean;
  readonly origins: readonly string[] | undefined;
  readonly plugins: readonly {
    readonly onConnect?: unknown;
    readonly onDisconnect?: unknown;
    readonly onUnsubscribe?: unknown;
    readonly observesOnly?: boolean | undefined;
  }[];
}

export function manifestOf({ routes, channels }: RouteTable, parts: ManifestParts): RouteManifest {
  const { store, hasAuthorizer, origins, plugins } = parts;
  const has = (hook: 'onConnect' | 'onDisconnect' | 'onUnsubscribe'): boolean =>
    plugins.some((plugin) => plugin[hook] !== undefined && plugin.observesOnly !== true);
  return {
    version: 1,
    authorizer: hasAuthorizer,
    singleEnvironment: store.isInProcess ?? false,
    store: store.name,
    ...(origins && { origins }),
    hasConnect: channels.some(({ connect }) => connect !== undefined),
    hasDisconnect: channels.some(({ disconnect }) => disconnect !== undefined),
    hasUnsubscribe: channels.some(({ unsubscribe }) => unsubscribe !== undefined),
    hasConnectHook: has('onConnect'),
    hasDisconnectHook: has('onDisconnect'),
    hasUnsubscribeHook: has('onUnsubscribe'),
    hasHistory: channels.some(({ options }) => options.history !== undefined),
    autoSubscribes: channels.some(({ options }) => Boolean(options.autoSubscribe)),
    routes: manifestRoutes(routes),
  };
}

function manifestRoutes(routes: readonly Route[]): readonly ManifestRoute[] {
  return routes.map(({ key, kind, twoWay, source }) => ({
    routeKey: key,
    integration: kind === 'ping' ? 'mock' : 'lambda',
    twoWay,
    ...(source !== undefined && { source }),
    ...(kind === 'ping' && { response: '{"type":"pong"}' }),
  }));
}
