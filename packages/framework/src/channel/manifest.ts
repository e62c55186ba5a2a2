import type { Route } from './route-table.js';

/** One route, described for infrastructure code. */
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

/** An app, described for infrastructure code: the output of `gatecast manifest`. */
export interface RouteManifest {
  /** Version of this format. */
  readonly version: 1;
  /** Whether the app's function is also a REQUEST authorizer for `$connect`, without identity sources. */
  readonly authorizer: boolean;
  /** Whether the app's state is in the memory of one process, so that only one may run. */
  readonly singleEnvironment: boolean;
  readonly routes: readonly ManifestRoute[];
}

export function manifestRoutes(routes: readonly Route[]): readonly ManifestRoute[] {
  return routes.map(({ key, kind, twoWay, source }) => ({
    routeKey: key,
    integration: kind === 'ping' ? 'mock' : 'lambda',
    twoWay,
    ...(source !== undefined && { source }),
    ...(kind === 'ping' && { response: '{"type":"pong"}' }),
  }));
}
