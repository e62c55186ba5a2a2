import type {
  AnyChannelType,
  ChannelType,
  ContractCarrier,
  channelOf,
  Params,
} from '@gatecast/protocol';
import type { Connection } from '../wire/connection.js';
import type { LambdaContext, WebSocketEvent } from '../wire/lambda-events.js';
import type { AppActions, ServerChannel } from './publishing.js';

/**
 * Augment it with the properties that your plugins add to the contexts of messages and subscriptions.
 *
 * @example
 * ```ts
 * declare module '@gatecast/framework' {
 *   interface ContextVariables { tenant: Tenant }
 * }
 * ```
 * @group Contexts
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- apps augment it.
export interface ContextVariables {}

/** Common part of the contexts of all handlers. @group Contexts */
export interface BaseContext {
  /** The connection that the event comes from. */
  readonly connection: Connection;
  /** The route key: `rooms.post`, `subscribe`, `$connect`. */
  readonly route: string;
  /**
   * Publishes on any channel, and ends connections and subscriptions. It can be used until the invocation
   * is answered.
   */
  readonly app: AppActions;
  /**
   * Aborted 500 ms before the end of the invocation, and when it has been answered. Pass it to the
   * functions that you call, such as `fetch`: there is no other way to stop what a handler does.
   */
  readonly signal: AbortSignal;
  /** The event as API Gateway sent it. */
  readonly event: WebSocketEvent;
  /** Lambda's context object; `undefined` where the handler is called without one, as in tests. */
  readonly lambdaContext: LambdaContext | undefined;
}

/** Common part of the contexts of a channel's handlers. @group Contexts */
export interface ChannelContext<C extends AnyChannelType = ChannelType>
  extends BaseContext,
    ContractCarrier<C> {
  /** The parameters in the channel's name, decoded. */
  readonly params: Params<C['pattern']>;
  /** The channel in the frame, to publish on. */
  readonly channel: ServerChannel<C['events']>;
}

/** Context of `@OnMessage`. @group Contexts */
export interface MessageContext<C extends AnyChannelType = ChannelType>
  extends ChannelContext<C>,
    ContextVariables {
  /** The frame's id. */
  readonly messageId: string;
  /**
   * 1, or more if the client sent the message again because it got no answer. The client sets it, so do
   * not rely on it.
   */
  readonly attempt: number;
  /**
   * Identifies the message: the same each time it is sent, even on another connection, and different for
   * every other message. Use it to make side effects of your own idempotent. Events need no key: a
   * handler that runs again publishes them with the same ids. It is made of the user, the channel and the
   * frame's id; for a guest, of the last two.
   */
  readonly idempotencyKey: string;
}

/** Context of `@OnSubscribe`. @group Contexts */
export interface SubscribeContext<C extends AnyChannelType = ChannelType>
  extends ChannelContext<C>,
    ContextVariables {
  /**
   * Whether the connection was subscribed already: clients may subscribe again, for example after a lost
   * answer. Then the handler has run before, or the subscription was automatic.
   */
  readonly isRepeated: boolean;
  /**
   * Whether the client comes back with a position, and so has been subscribed before: on this connection or on an
   * earlier one.
   */
  readonly isResume: boolean;
}

/** Context of `@OnUnsubscribe`. @group Contexts */
export interface UnsubscribeContext<C extends AnyChannelType = ChannelType>
  extends Omit<ChannelContext<C>, 'event'>,
    ContractCarrier<C> {
  /**
   * Why it ended. `unsubscribe`: the client asked. `disconnect`: the connection ended. `refused`: the
   * client subscribed again and was refused, or the subscription had ended before its subscribe
   * handler had. `server`: `app.connection(id).unsubscribe()`.
   */
  readonly cause: 'unsubscribe' | 'disconnect' | 'refused' | 'server';
  /** The event that ended the subscription; absent if code outside of any event ended it. */
  readonly event: WebSocketEvent | undefined;
}

/** Context of `@OnConnect`. @group Contexts */
export interface ConnectContext extends BaseContext {
  /** Headers of the handshake, names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Query parameters of the handshake, decoded. */
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** Context of `@OnDisconnect`. @group Contexts */
export interface DisconnectContext extends BaseContext {
  /** Close code, such as 1001; 1005 if the client sent none. */
  readonly code: number;
  /** Reason that came with the code; may be `''`. */
  readonly reason: string;
  /** Names of the channels that the connection was subscribed to. */
  readonly channels: readonly string[];
}

/** The context of a channel whose contract is not known: it fits the contract of any handler. */
export type OfAnyChannel<C extends Omit<ChannelContext, 'event'>> = Omit<
  C,
  'params' | 'channel' | typeof channelOf
> & {
  // oxlint-disable-next-line typescript/no-explicit-any -- `@Channel` checks the contract.
  readonly params: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above.
  readonly channel: any;
};
