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

/** What every event of an app is handled with. */
export interface AppCore extends PublishCore {
  readonly table: RouteTable;
  /** The routes of messages by their keys. */
  readonly messages: ReadonlyMap<string, MessageRoute>;
  readonly authorizer: Authorizer | undefined;
  readonly origins: readonly string[] | undefined;
  readonly identities: IdentityCache;
}

/** An invocation for an app, which has channel classes. */
export class AppInvocation extends Invocation<AppCore> {
  /** What its handlers get as `ctx.app`. */
  handle(scope?: PublishScope): AppActions {
    return new AppHandle(this, scope);
  }
}

/** An invocation for an event of a WebSocket connection. */
export class EventInvocation extends AppInvocation {
  declare readonly request: WebSocketEvent['requestContext'];
  /** The event as API Gateway sent it. */
  readonly event: WebSocketEvent;
  /** Whom it is about; there once `identify` or `connect` has found out. */
  connection!: Connection;
  /** The frame of a message event, once it has been read. */
  frame: RawFrame | undefined;
  /** The route of the frame's action, where it is a message. */
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
