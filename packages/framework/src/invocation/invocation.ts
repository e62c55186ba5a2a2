import type { Publishing } from '../channel/publishing.js';
import type { RouteTable } from '../channel/route-table.js';
import type { StageAddress } from '../deliver/apigw/endpoint.js';
import type { Stages } from '../deliver/stage.js';
import type { Hooks } from '../hooks/plugin.js';
import type { Report } from '../hooks/report.js';
import { Publisher, type PublishScope } from '../publish/publish.js';
import type { ConnectionStore } from '../store/connections.js';
import type { Store } from '../store/store.js';
import type { Identity } from '../wire/connection.js';
import type { Authorizer } from '../wire/handshake.js';
import { decodeIdentity, IDENTITY_KEY } from '../wire/identity.js';
import type { LambdaContext, RequestContext } from '../wire/lambda-events.js';

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
  readonly stages: Stages;
}

/** The stage that an event came through. */
export function addressOf({ apiId, stage }: RequestContext): StageAddress {
  return { apiId, stage, region: process.env.AWS_REGION ?? '' };
}

/** The event that something is done for, and the invocation that it has. */
export interface Occasion {
  readonly request: RequestContext;
  readonly lambdaContext: LambdaContext | undefined;
}

/** Publishing on behalf of one event, or of none. */
export function publishing(
  core: AppCore,
  scope: PublishScope = {},
  { request, lambdaContext }: Partial<Occasion> = {},
): Publishing {
  const { hooks, report } = core;
  const publisher = new Publisher({
    connections: connectionsWithin(core, lambdaContext),
    endsAt: Date.now() + timeLeftMs(lambdaContext),
    stage: () => core.stages.of(request && addressOf(request)),
    now: core.now,
    around: {
      publish: (event, deliver) => (hooks.onPublish ? hooks.onPublish(event, deliver) : deliver()),
      delivery: (batch, deliver) => (hooks.onDeliver ? hooks.onDeliver(batch, deliver) : deliver()),
    },
    report: (error) =>
      report(error, {
        route: request?.routeKey ?? 'publish',
        isAnswered: false,
        ...(request && { connectionId: request.connectionId, requestId: request.requestId }),
      }),
  });
  return { channel: (name: string) => publisher.channel(name, scope) };
}

/** The connections of the store, which gives up in time for the invocation to answer. */
export function connectionsWithin(
  core: AppCore,
  lambdaContext: LambdaContext | undefined,
): ConnectionStore {
  void lambdaContext;
  return core.store.connections;
}

function timeLeftMs(lambdaContext: LambdaContext | undefined): number {
  if (typeof lambdaContext?.getRemainingTimeInMillis !== 'function') return Infinity;
  return lambdaContext.getRemainingTimeInMillis() - RESERVE_MS;
}

/**
 * Who the connection of an event is: what the deployed authorizer said rides on every event; what was
 * established inside `$connect` is in the store. An app without authorizer knows nobody.
 */
export async function identityOf(
  core: AppCore,
  { request: { authorizer, connectionId }, lambdaContext }: Occasion,
): Promise<Identity | undefined> {
  if (authorizer?.[IDENTITY_KEY] !== undefined) return decodeIdentity(authorizer[IDENTITY_KEY]);
  if (!core.authorizer) return undefined;
  const record = await connectionsWithin(core, lambdaContext).get(connectionId);
  return decodeIdentity(record?.identity);
}
