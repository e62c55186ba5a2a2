import { describeValue } from '../errors/check-options.js';
import { makeError, tracedFrom } from '../errors/gatecast-error.js';
import { checkParentheses } from './check-parentheses.js';
import type {
  ConnectContext,
  DisconnectContext,
  OfAnyChannel,
  SubscribeContext,
  UnsubscribeContext,
} from './context.js';
import { type HandlerRecord, methodDecorator } from './registry.js';

// oxlint-disable-next-line typescript/no-explicit-any -- each handler has the context of its own channel.
type AnyContext = any;

/**
 * A decorator for a method whose only parameter is a context, for legacy and standard decorators.
 *
 * @group Channels
 */
export interface LifecycleDecorator<Context> {
  /** @typeParam M - The method that is decorated. */
  <M extends (ctx: Context) => unknown>(
    method: M,
    context: ClassMethodDecoratorContext<unknown, M> & {
      readonly name: string;
      readonly static: false;
      readonly private: false;
    },
  ): void;
  /** @typeParam M - The method that is decorated. */
  <M extends (ctx: Context) => unknown>(
    target: object & { readonly prototype?: never },
    name: string,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/**
 * Runs while a connection is being opened (`$connect`), once for each connection of the app, no matter
 * which channels it will use. Its context is a `ConnectContext`. Throw a `ClientError` to refuse the
 * connection: `ERR_UNAUTHORIZED` becomes 401, `ERR_PROTOCOL` 400, `ERR_RATE_LIMIT` 429 and every other
 * code 403. Nothing can be sent to the connection yet: API Gateway answers 410 until `$connect` has
 * returned.
 *
 * @example
 * ```ts
 * @OnConnect()
 * async welcome({ connection }: ConnectContext) {
 *   if (await bans.has(connection.sourceIp)) throw new ClientError('ERR_FORBIDDEN', 'Banned.');
 * }
 * ```
 * @group Channels
 */
export function OnConnect(): LifecycleDecorator<ConnectContext>;
export function OnConnect(...given: readonly unknown[]): LifecycleDecorator<AnyContext> {
  return tracedFrom(OnConnect, () => lifecycle('connect', '@OnConnect', given));
}

/**
 * Runs after a connection has ended, once for each connection of the app. Its context is a
 * `DisconnectContext`. It also runs if a delivery has found the connection gone (410) before. API Gateway
 * may call it late or never (its developer guide calls `$disconnect` a best-effort event), so do not rely
 * on it.
 *
 * @group Channels
 */
export function OnDisconnect(): LifecycleDecorator<DisconnectContext>;
export function OnDisconnect(...given: readonly unknown[]): LifecycleDecorator<AnyContext> {
  return tracedFrom(OnDisconnect, () => lifecycle('disconnect', '@OnDisconnect', given));
}

/**
 * Runs when a connection subscribes to a channel of this class, after the access rule and after the
 * membership was written, so that no event is lost between a snapshot that it returns and the first
 * delivered event. A client's types recognise it by its parameter, a `SubscribeContext`: without it the
 * method looks like a message, too. Its return value is sent to the client with the reply. Throw a
 * `ClientError` to undo the subscription. It does not run for `autoSubscribe`. It runs again when the
 * client subscribes again, as it does after each reconnection.
 *
 * @example
 * ```ts
 * @OnSubscribe()
 * async enter({ params }: SubscribeContext<Room>) {
 *   return { topic: await topics.get(params.roomId) };
 * }
 * ```
 * @group Channels
 */
export function OnSubscribe(): LifecycleDecorator<OfAnyChannel<SubscribeContext>>;
export function OnSubscribe(...given: readonly unknown[]): LifecycleDecorator<AnyContext> {
  return tracedFrom(OnSubscribe, () => lifecycle('subscribe', '@OnSubscribe', given));
}

/**
 * Runs after a connection has left a channel of this class: it unsubscribed, it was refused when it
 * subscribed again, the server removed it, or it ended (in that case as late and as unreliably as
 * `$disconnect`). It also runs if a delivery has found the connection gone (410) before. Its context is
 * an `UnsubscribeContext`, whose `cause` says which.
 *
 * @group Channels
 */
export function OnUnsubscribe(): LifecycleDecorator<OfAnyChannel<UnsubscribeContext>>;
export function OnUnsubscribe(...given: readonly unknown[]): LifecycleDecorator<AnyContext> {
  return tracedFrom(OnUnsubscribe, () => lifecycle('unsubscribe', '@OnUnsubscribe', given));
}

function lifecycle(
  kind: HandlerRecord['kind'],
  name: string,
  given: readonly unknown[],
): LifecycleDecorator<AnyContext> {
  const decorator = `${name}()`;
  checkParentheses({ name, usage: decorator, on: 'method' }, given);
  if (given.length > 0) {
    throw makeError('ERR_OPTION_VALUE', {
      where: decorator,
      option: 'options',
      given: describeValue(given[0]),
      takes: 'nothing',
    });
  }
  return methodDecorator({ kind, decorator });
}
