import type { ContractOf } from '@gatecast/protocol';
import { tracedFrom } from '../errors/gatecast-error.js';
import type { AnyClass } from './any-class.js';
import { checkParentheses } from './check-parentheses.js';
import type { ChannelOptions } from './definition.js';
import { type ClassOptions, recordChannel } from './registry.js';

type PatternCheck<T, P extends string> = [ContractOf<T>] extends [never]
  ? unknown
  : string extends ContractOf<T>['pattern']
    ? unknown
    : [ContractOf<T>['pattern']] extends [P]
      ? unknown
      : {
          readonly 'the handlers of this class are typed for another pattern': ContractOf<T>['pattern'];
        };

// Type parameters are inferred as unknown without a rule, and as void from an AccessRule that takes no instance.
type InstanceCheck<T, I> = [T] extends [I]
  ? unknown
  : // oxlint-disable-next-line typescript/no-invalid-void-type -- as in AccessRule.
    [I] extends [void]
    ? unknown
    : { readonly 'the access rule takes an instance of another class': I };

/**
 * The result of {@link Channel}: a class decorator, for legacy and standard decorators.
 *
 * @group Channels
 */
export interface ChannelDecorator<P extends string, I = unknown> {
  <C extends AnyClass>(
    target: C & PatternCheck<InstanceType<C>, P> & InstanceCheck<InstanceType<C>, I>,
    context: ClassDecoratorContext<C>,
  ): void;
  <C extends AnyClass>(
    target: C & PatternCheck<InstanceType<C>, P> & InstanceCheck<InstanceType<C>, I>,
  ): void;
}

/**
 * Makes a class handle every channel whose name matches the pattern. Segments are joined by `/`;
 * `:roomId` matches one segment and becomes `ctx.params.roomId`. A literal segment takes precedence over
 * a parameter. `createApp` checks the class, the pattern and the options.
 *
 * @example
 * ```ts
 * @Channel('rooms/:roomId')
 * class RoomChannel {
 *   @OnMessage()
 *   async wave(_: unknown, ctx: MessageContext<Room>) {
 *     await ctx.channel.publish('waved', { who: ctx.connection.id });
 *   }
 * }
 * ```
 *
 * @throws ConfigurationError - ERR_DECORATOR_CALL, if `@Channel` is written without parentheses.
 * @group Start here
 */
export function Channel<const P extends string, I = unknown>(
  pattern: P,
  options: ChannelOptions<NoInfer<P>, I> = {},
): ChannelDecorator<P, I> {
  const decorator = { name: '@Channel', usage: "@Channel('rooms/:roomId')", on: 'class' } as const;
  tracedFrom(Channel, () => checkParentheses(decorator, [pattern, options]));
  return (target: object): void =>
    recordChannel(target, { pattern, options: options as ClassOptions });
}
