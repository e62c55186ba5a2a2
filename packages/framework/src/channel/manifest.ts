import type { Route } from './route-table.js';

/** One route, as infrastructure needs to know it. */
export interface ManifestRoute {
  /** `$connect`, `subscribe`, `rooms.post`. */
  readonly routeKey: string;
  /** `mock`: API Gateway answers by itself, with `response`, and no function runs. */
  readonly integration: 'lambda' | 'mock';
  /** Whether the route needs a route response. */
  readonly twoWay: boolean;
  /** Which method handles it: `RoomChannel.post`; absent for routes of the framework's own. */
  readonly source?: string;
  /** What a MOCK integration answers. */
  readonly response?: string;
}

/** What infrastructure needs to know of an app: what `gatecast manifest` writes. */
export interface RouteManifest {
  /** Version of this format. */
  readonly version: 1;
  /** Whether the app's function is also a REQUEST authorizer for `$connect`, without identity sources. */
  readonly authorizer: boolean;
  /** Whether the app's state is in one process's memory, so that only one may run. */
  readonly singleEnvironment: boolean;
  readonly routes: readonly ManifestRoute[];
}

/** The routes of a manifest. */
export function manifestRoutes(routes: readonly Route[]): readonly ManifestRoute[] {
  return routes.map(({ key, kind, twoWay, source }) => ({
    routeKey: key,
    integration: kind === 'ping' ? 'mock' : 'lambda',
    twoWay,
    ...(source !== undefined && { source }),
    ...(kind === 'ping' && { response: '{"type":"pong"}' }),
  }));
}
