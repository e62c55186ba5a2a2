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
 * Augment it with what your plugins add to the contexts of messages and subscriptions.
 *
 * @example
 * ```ts
 * declare module '@gatecast/framework' {
 *   interface ContextVariables { tenant: Tenant }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be augmented.
export interface ContextVariables {}

/** What every handler gets. */
export interface BaseContext {
  /** Whom the event is about. */
  readonly connection: Connection;
  /** The route key: `rooms.post`, `subscribe`, `$connect`. */
  readonly route: string;
  /** Publishes on any channel, and ends connections and subscriptions. Usable until the answer. */
  readonly app: AppActions;
  /**
   * Aborted 500 ms before the invocation ends, and when it has been answered. Pass it to whatever you
   * call, such as `fetch`: what a handler does cannot be stopped otherwise.
   */
  readonly signal: AbortSignal;
  /** The event as API Gateway sent it. */
  readonly event: WebSocketEvent;
  /** Lambda's context object; `undefined` where the handler is called without one, as in tests. */
  readonly lambdaContext: LambdaContext | undefined;
}

/** What the handlers of a channel get. */
export interface ChannelContext<C extends AnyChannelType = ChannelType>
  extends BaseContext,
    ContractCarrier<C> {
  /** The parameters in the channel's name, decoded. */
  readonly params: Params<C['pattern']>;
  /** The channel that the frame names: publishes on it. */
  readonly channel: ServerChannel<C['events']>;
}

/** Context of `@OnMessage`. */
export interface MessageContext<C extends AnyChannelType = ChannelType>
  extends ChannelContext<C>,
    ContextVariables {
  /** The frame's id. */
  readonly messageId: string;
  /** 1, and more when the client sent the message again because it got no answer. As the client says. */
  readonly attempt: number;
  /**
   * The same each time one message is sent, also on another connection, and for no other message: a
   * key for side effects of your own. What the handler publishes needs none: its events' ids are the
   * same each time. It is made of the user, the channel and the frame's id; a guest's of the latter two.
   */
  readonly idempotencyKey: string;
}

/** Context of `@OnSubscribe`. */
export interface SubscribeContext<C extends AnyChannelType = ChannelType>
  extends ChannelContext<C>,
    ContextVariables {
  /**
   * Whether the connection was subscribed already: clients ask again for what they have, after an answer
   * that was lost for example. Then the handler has run before, or the subscription was automatic.
   */
  readonly isRepeated: boolean;
}

/** Context of `@OnUnsubscribe`. */
export interface UnsubscribeContext<C extends AnyChannelType = ChannelType>
  extends Omit<ChannelContext<C>, 'event'>,
    ContractCarrier<C> {
  /**
   * Why it ended. `unsubscribe`: the client asked. `disconnect`: the connection ended. `refused`: the
   * client subscribed again and was refused, or the subscription had ended before its subscribe
   * handler had. `server`: `app.connection(id).unsubscribe()`.
   */
  readonly cause: 'unsubscribe' | 'disconnect' | 'refused' | 'server';
  /** The event by which it was left; absent where code outside of any event ended it. */
  readonly event: WebSocketEvent | undefined;
}

/** Context of `@OnConnect`. */
export interface ConnectContext extends BaseContext {
  /** Headers of the handshake, names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Query parameters of the handshake, decoded. */
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** Context of `@OnDisconnect`. */
export interface DisconnectContext extends BaseContext {
  /** Close code, such as 1001; 1005 when the client gave none. */
  readonly code: number;
  /** Reason that came with the code; may be `''`. */
  readonly reason: string;
  /** Names of the channels that the connection left. */
  readonly channels: readonly string[];
}

/** A channel's context before its channel is known: it fits whatever contract a handler names. */
export type OfAnyChannel<C extends Omit<ChannelContext, 'event'>> = Omit<
  C,
  'params' | 'channel' | typeof channelOf
> & {
  // oxlint-disable-next-line typescript/no-explicit-any -- `@Channel` checks the contract.
  readonly params: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above.
  readonly channel: any;
};
