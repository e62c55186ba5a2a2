import type { StandardSchemaV1 } from '@standard-schema/spec';
import { checkOptions, type OptionTypes, option } from '../errors/check-options.js';
import { tracedFrom } from '../errors/gatecast-error.js';
import { checkParentheses } from './check-parentheses.js';
import type { MessageContext, OfAnyChannel } from './context.js';
import { methodDecorator } from './registry.js';
import { isStandardSchema, refuseSchema } from './schema.js';

/** Options of {@link OnMessage}. @group Channels */
export interface MessageOptions {
  /**
   * Whether the sender gets an answer. `false` makes a one-way route: the client gets no answer, not even
   * an error, and API Gateway does not charge for one. A client sends such a message with `{ reply: false
   * }`.
   * @default true
   */
  readonly reply?: boolean;
}

/** Allowed values of a message's options. */
export const messageOptionTypes: OptionTypes<MessageOptions> = { reply: option.flag };

type MessageHandler<T> = (message: T, ctx: OfAnyChannel<MessageContext>) => unknown;

/**
 * A decorator for a method that takes a message of type `T`, for legacy and standard decorators.
 *
 * @group Channels
 */
export interface MessageDecorator<T> {
  <M extends MessageHandler<T>>(
    method: M,
    context: ClassMethodDecoratorContext<unknown, M> & {
      readonly name: string;
      readonly static: false;
      readonly private: false;
    },
  ): void;
  <M extends MessageHandler<T>>(
    target: object & { readonly prototype?: never },
    name: string,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/**
 * Makes a method the handler of the messages with its name: `post` of `@Channel('rooms/:roomId')` is
 * `rooms.post` on the wire. Its return value is the answer; the whole frame must fit into 32,768 bytes.
 * Make helper methods private: the client's types list every public method as a message, except those
 * that take a context first.
 *
 * Without a schema, the message is what the client sent, unchecked.
 *
 * @throws ConfigurationError - ERR_DECORATOR_CALL, ERR_SCHEMA_INVALID, ERR_SCHEMA_FIELDS,
 * ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 * @group Start here
 */
export function OnMessage(options?: MessageOptions): MessageDecorator<unknown>;
/**
 * Makes a method the handler of the messages with its name, and validates them first. The handler gets
 * the output of the schema. A message that does not fit is refused with `ERR_VALIDATION`, whose details
 * are a list of `{ path, message }`; the parts of a path are joined by dots.
 *
 * @example
 * ```ts
 * @OnMessage(v.object({ text: v.string() }))
 * async post({ text }: { text: string }, ctx: MessageContext<Room>) {
 *   const { id } = await ctx.channel.publish('message', { text });
 *   return { id };
 * }
 * ```
 *
 * @param schema - A Standard Schema (valibot, zod, …), or `dto(Class)` for class-validator. With `object`
 * of valibot or zod and with `dto`, unknown properties never reach the handler. Data with more than 2,000
 * objects and lists is refused before the schema sees it.
 *
 * @throws ConfigurationError - ERR_DECORATOR_CALL, ERR_SCHEMA_INVALID, ERR_SCHEMA_FIELDS,
 * ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 * @group Start here
 */
export function OnMessage<S extends StandardSchemaV1>(
  schema: S,
  options?: MessageOptions,
): MessageDecorator<StandardSchemaV1.InferOutput<S>>;
export function OnMessage(
  first: StandardSchemaV1 | MessageOptions = {},
  second: MessageOptions = {},
): MessageDecorator<never> {
  return tracedFrom(OnMessage, () => onMessage(first, second));
}

function onMessage(
  first: StandardSchemaV1 | MessageOptions,
  second: MessageOptions,
): MessageDecorator<never> {
  const usage = '@OnMessage()';
  checkParentheses({ name: '@OnMessage', usage, on: 'method' }, [first, second]);
  const hasSchema = isStandardSchema(first);
  if (!hasSchema) refuseSchema(first, usage);
  const options = hasSchema ? second : first;
  checkOptions(usage, options, messageOptionTypes);
  const { reply = true } = options;
  const record = {
    kind: 'message',
    decorator: usage,
    reply,
    ...(hasSchema && { schema: first }),
  } as const;
  return methodDecorator(record);
}
