import type { ChannelType, ContractCarrier } from '@gatecast/protocol';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { checkOptions, describeValue, type OptionTypes, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type {
  ConnectContext,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from './context.js';
import { type ChannelDefinition, type ChannelOptions, channelOptionTypes } from './definition.js';
import { type MessageOptions, messageOptionTypes } from './message.js';
import { isStandardSchema, refuseSchema } from './schema.js';

declare const eventData: unique symbol;

/** The type of an event's data. It exists only as a type. @group Channels */
export interface EventType<T> {
  readonly [eventData]?: T;
}

/**
 * Declares the type of an event's data for {@link defineChannel} without a schema: `event<{ text: string
 * }>()`.
 *
 * @group Channels
 */
export function event<T>(): EventType<T> {
  return {};
}

type EventDeclarations = Readonly<Record<string, EventType<unknown> | StandardSchemaV1>>;
type EventsFrom<E> = {
  [K in keyof E]: E[K] extends StandardSchemaV1
    ? StandardSchemaV1.InferOutput<E[K]>
    : E[K] extends EventType<infer T>
      ? T
      : never;
};
type Contract<P extends string, E> = ChannelType<P, EventsFrom<E> & object>;

/**
 * One message of a channel that was defined without decorators: the result of {@link MessageDefiner}.
 *
 * @group Channels
 */
export interface DefinedMessage<I = unknown, R = unknown> {
  /** Validates the message. Without a schema, the handler gets what the client sent. */
  readonly schema?: StandardSchemaV1;
  readonly options: MessageOptions;
  /** Like a method with `@OnMessage`: its return value is the answer. */
  readonly handle: (message: never, ctx: never) => R;
  /** Types only. */
  readonly '~input'?: I;
}

/**
 * Defines one message. The schema comes first, so that the type of the handler's parameter is inferred.
 *
 * @group Channels
 */
export interface MessageDefiner<C extends ChannelType> {
  <S extends StandardSchemaV1, R>(
    schema: S,
    handle: (message: StandardSchemaV1.InferOutput<S>, ctx: MessageContext<C>) => R,
    options?: MessageOptions,
  ): DefinedMessage<StandardSchemaV1.InferInput<S>, R>;
  <R>(
    handle: (message: unknown, ctx: MessageContext<C>) => R,
    options?: MessageOptions,
  ): DefinedMessage<unknown, R>;
}

/**
 * A channel in the form that the client's types need: one method for each message, and the data of a
 * subscription.
 *
 * @group Channels
 */
export type DefinedChannel<P extends string, E extends object, M, S = unknown> = {
  readonly '~contract'?: ChannelType<P, E>;
  /** Types only: what the subscribe handler returns. */
  readonly '~subscribed'?: S;
} & {
  [K in keyof M]: M[K] extends DefinedMessage<infer I, infer R>
    ? (message: I, ctx: { readonly connection: unknown } & ContractCarrier<ChannelType<P, E>>) => R
    : never;
};

/** The second parameter of {@link defineChannel}. @group Channels */
export interface ChannelDeclaration<P extends string, E, M, S = unknown> extends ChannelOptions<P> {
  /**
   * The channel's events, as schemas or as `event<T>()`. Only their types are used: published data is not
   * checked.
   */
  readonly events?: E;
  /** Like `@OnConnect`. */
  readonly onConnect?: (ctx: ConnectContext) => unknown;
  /** Like `@OnDisconnect`. */
  readonly onDisconnect?: (ctx: DisconnectContext) => unknown;
  /** Like `@OnSubscribe`. */
  readonly onSubscribe?: (ctx: SubscribeContext<Contract<P, E>>) => S;
  /** Like `@OnUnsubscribe`. */
  readonly onUnsubscribe?: (ctx: UnsubscribeContext<Contract<P, E>>) => unknown;
  /** The channel's messages. */
  readonly messages?: (define: { readonly message: MessageDefiner<Contract<P, E>> }) => M;
}

// A registered symbol: the definition may come from another copy of the package.
const DEFINITION = Symbol.for('@gatecast/definition');

/**
 * Declares a channel without decorators. It makes the same routes as a class with `@Channel`, and
 * `client.channel<typeof rooms>(name)` is typed from it.
 *
 * @example
 * ```ts
 * const rooms = defineChannel('rooms/:roomId', {
 *   events: { message: event<{ text: string }>() },
 *   messages: ({ message }) => ({
 *     post: message(v.object({ text: v.string() }), async ({ text }, ctx) => {
 *       await ctx.channel.publish('message', { text });
 *     }),
 *   }),
 * });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; ERR_SCHEMA_INVALID and
 * ERR_SCHEMA_FIELDS, if the first argument of a `message()` is neither a schema nor a handler.
 * `createApp` finds conflicts with the pattern or with other channels.
 * @group Channels
 */
export function defineChannel<
  const P extends string,
  // oxlint-disable-next-line typescript/no-empty-object-type -- a channel may have no events.
  E extends EventDeclarations = {},
  // oxlint-disable-next-line typescript/no-empty-object-type -- and no messages.
  M extends Readonly<Record<string, DefinedMessage>> = {},
  S = undefined,
>(
  pattern: P,
  declaration: ChannelDeclaration<NoInfer<P>, E, M, S> = {},
): DefinedChannel<P, EventsFrom<E> & object, M, S> {
  const {
    events: _typesOnly,
    messages,
    onConnect,
    onDisconnect,
    onSubscribe,
    onUnsubscribe,
    ...options
  } = declaration;
  const label = `defineChannel('${pattern}')`;
  checkOptions(label, declaration, declarationTypes);
  const defined: unknown = messages?.({ message: defineMessage }) ?? {};
  checkMessages(label, defined);
  const definition: ChannelDefinition = {
    label,
    pattern,
    options: options as ChannelOptions,
    ...lifecycle('connect', onConnect),
    ...lifecycle('disconnect', onDisconnect),
    ...lifecycle('subscribe', onSubscribe),
    ...lifecycle('unsubscribe', onUnsubscribe),
    messages: Object.entries(defined).map(
      ([
        method,
        {
          schema,
          options: { reply = true },
          handle,
        },
      ]) => ({
        method,
        reply,
        call: handle as (message: unknown, ctx: unknown) => unknown,
        ...(schema && { schema }),
      }),
    ),
  };
  return { [DEFINITION]: definition } as object as DefinedChannel<P, EventsFrom<E> & object, M, S>;
}

/** The definition in a result of {@link defineChannel}; `undefined` for any other value. */
export function definitionOf(source: object): ChannelDefinition | undefined {
  return DEFINITION in source ? (source[DEFINITION] as ChannelDefinition) : undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any -- MessageDefiner has checked the types.
type Handle = (message: any, ctx: any) => any;

const declarationTypes: OptionTypes<ChannelDeclaration<string, EventDeclarations, unknown>> = {
  ...channelOptionTypes,
  events: option.object,
  messages: option.callback,
  onConnect: option.callback,
  onDisconnect: option.callback,
  onSubscribe: option.callback,
  onUnsubscribe: option.callback,
};

function checkMessages(
  label: string,
  defined: unknown,
): asserts defined is Readonly<Record<string, DefinedMessage>> {
  const refuse = (name: string, given: string, takes: string): never => {
    throw makeError('ERR_OPTION_VALUE', { where: label, option: name, given, takes });
  };
  if (!option.object.fits(defined) || defined instanceof Promise) {
    const given = `a function that returns ${describeValue(defined)}`;
    refuse('messages', given, 'a function that returns an object of messages');
  }
  for (const [name, message] of Object.entries(defined as object)) {
    const isDefined = option.object.fits(message) && typeof message.handle === 'function';
    if (!isDefined) refuse(`messages.${name}`, describeValue(message), 'a result of message()');
  }
}

function defineMessage(
  first: StandardSchemaV1 | Handle,
  second?: Handle | MessageOptions,
  third: MessageOptions = {},
): DefinedMessage<never, ReturnType<Handle>> {
  const hasSchema = isStandardSchema(first);
  // If both are functions, the first one was meant to be a schema, such as a class without dto().
  if (!hasSchema && (typeof first !== 'function' || typeof second === 'function')) {
    refuseSchema(first, 'message()');
    throw makeError('ERR_SCHEMA_INVALID', { label: 'message()' });
  }
  const handle = hasSchema ? second : first;
  if (typeof handle !== 'function') {
    const given = describeValue(handle);
    const where = 'message()';
    throw makeError('ERR_OPTION_VALUE', { where, option: 'handle', given, takes: 'a function' });
  }
  const options = (hasSchema ? third : (second ?? {})) as MessageOptions;
  checkOptions('message()', options, messageOptionTypes);
  return { handle, options, ...(hasSchema && { schema: first }) };
}

function lifecycle(
  kind: 'connect' | 'disconnect' | 'subscribe' | 'unsubscribe',
  call: ((ctx: never) => unknown) | undefined,
): object {
  return call ? { [kind]: { method: kind, call } } : {};
}
