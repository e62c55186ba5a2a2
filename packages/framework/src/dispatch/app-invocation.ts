import type { AppActions } from '../channel/publishing.js';
import type { MessageRoute, RouteTable } from '../channel/route-table.js';
import type { Invocation, PublishCore } from '../invocation/invocation.js';
import type { PublishScope } from '../publish/publish.js';
import type { Authorizer } from '../wire/handshake.js';
import type { WebSocketEvent } from '../wire/lambda-events.js';
import type { IdentityCache } from './identity-cache.js';
import type { RouteCheck } from './route-check.js';

/** The dependencies of handling an app's events. */
export interface AppCore extends PublishCore {
  readonly table: RouteTable;
  /** The routes of messages by route key. */
  readonly messages: ReadonlyMap<string, MessageRoute>;
  readonly authorizer: Authorizer | undefined;
  readonly origins: readonly string[] | undefined;
  readonly identities: IdentityCache;
  readonly routeCheck: RouteCheck;
  /** Makes what handlers get as `ctx.app`. */
  readonly handle: (invocation: AppInvocation, scope?: PublishScope) => AppActions;
}

/** An invocation for an app, which has channel classes. */
export type AppInvocation = Invocation<AppCore>;

/** An invocation for an event of a WebSocket connection. */
export type EventInvocation = Invocation<AppCore, WebSocketEvent>;
