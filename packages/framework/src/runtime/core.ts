import type { Identity } from '../connection.js';
import type { StageAddress } from '../delivery/endpoint.js';
import type { Gateway } from '../delivery/gateway.js';
import type { Publishing } from '../messaging/publish.js';
import { Publisher, type PublishScope } from '../messaging/publisher.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Store } from '../store/store.js';
import type { Authorizer } from './authorize.js';
import { decodeIdentity, IDENTITY_KEY } from './identity.js';
import type { LambdaContext, RequestContext } from './lambda-events.js';
import type { Hooks } from './plugin.js';
import type { Report } from './report.js';

// Left at the end of an invocation, so that its answer still gets out.
const RESERVE_MS = 500;

/** What every event of an app is handled with. */
export interface AppCore {
  readonly table: RouteTable;
  readonly store: Store;
  readonly authorizer?: Authorizer;
  readonly origins?: readonly string[];
  readonly hooks: Hooks;
  readonly report: Report;
  readonly now: () => number;
  /** The gateway of a stage; without one, of the stage that the environment names. */
  readonly gateway: (address?: StageAddress) => Promise<Gateway>;
}

/** The stage that an event came through. */
export function addressOf({ apiId, stage }: RequestContext): StageAddress {
  return { apiId, stage, region: process.env.AWS_REGION ?? '' };
}

/** Publishing on behalf of one event, or of none. */
export function publishing(
  core: AppCore,
  scope: PublishScope = {},
  request?: RequestContext,
): Publishing {
  const { hooks, report } = core;
  const publisher = new Publisher({
    connections: core.store.connections,
    gateway: () => core.gateway(request && addressOf(request)),
    now: core.now,
    around: {
      publish: (event, deliver) => (hooks.onPublish ? hooks.onPublish(event, deliver) : deliver()),
      batch: (batch, deliver) => (hooks.onDeliver ? hooks.onDeliver(batch, deliver) : deliver()),
    },
    onFailure: (error) =>
      report(error, {
        route: request?.routeKey ?? 'publish',
        isAnswered: false,
        ...(request && { connectionId: request.connectionId, requestId: request.requestId }),
      }),
  });
  return { channel: (name: string) => publisher.channel(name, scope) };
}

/** When an invocation has to be over, in milliseconds since 1970. */
export function endOf(core: AppCore, lambda: LambdaContext | undefined): number {
  if (typeof lambda?.getRemainingTimeInMillis !== 'function') return Infinity;
  return core.now() + lambda.getRemainingTimeInMillis() - RESERVE_MS;
}

/**
 * Who the connection of an event is: what the deployed authorizer said rides on every event; what was
 * established inside `$connect` is in the store. An app without authorizer knows nobody.
 */
export async function identityOf(
  core: AppCore,
  { authorizer, connectionId }: RequestContext,
): Promise<Identity | undefined> {
  if (authorizer?.[IDENTITY_KEY] !== undefined) return decodeIdentity(authorizer[IDENTITY_KEY]);
  if (!core.authorizer) return undefined;
  return decodeIdentity((await core.store.connections.get(connectionId))?.identity);
}
