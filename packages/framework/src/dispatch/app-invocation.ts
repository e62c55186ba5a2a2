import type { AppActions } from '../channel/publishing.js';
import type { MessageRoute, RouteTable } from '../channel/route-table.js';
import { Invocation, type PublishCore } from '../invocation/invocation.js';
import type { PublishScope } from '../publish/publish.js';
import type { Connection } from '../wire/connection.js';
import type { RawFrame } from '../wire/frame.js';
import type { Authorizer } from '../wire/handshake.js';
import type { LambdaContext, WebSocketEvent } from '../wire/lambda-events.js';
import { AppHandle } from './app-handle.js';
import type { IdentityCache } from './identity-cache.js';

/** The dependencies of handling an app's events. */
export interface AppCore extends PublishCore {
  readonly table: RouteTable;
  /** The routes of messages by route key. */
  readonly messages: ReadonlyMap<string, MessageRoute>;
  readonly authorizer: Authorizer | undefined;
  readonly origins: readonly string[] | undefined;
  readonly identities: IdentityCache;
}

/** An invocation for an app, which has channel classes. */
export class AppInvocation extends Invocation<AppCore> {
  /** The `ctx.app` of its handlers. */
  handle(scope?: PublishScope): AppActions {
    return new AppHandle(this, scope);
  }
}

/** An invocation for an event of a WebSocket connection. */
export class EventInvocation extends AppInvocation {
  declare readonly request: WebSocketEvent['requestContext'];
  /** The event as API Gateway sent it. */
  readonly event: WebSocketEvent;
  /** The connection of the event, set by `identify` or `connect`. */
  connection!: Connection;
  /** The frame of a message event, once it has been read. */
  frame: RawFrame | undefined;
  /** The route of the frame's action, if it is a message. */
  messageRoute: MessageRoute | undefined;

  /** Whether the client gets an answer. */
  get isTwoWay(): boolean {
    return this.messageRoute?.twoWay ?? true;
  }

  constructor(core: AppCore, event: WebSocketEvent, lambdaContext: LambdaContext | undefined) {
    super(core, event.requestContext, lambdaContext);
    this.event = event;
  }
}
