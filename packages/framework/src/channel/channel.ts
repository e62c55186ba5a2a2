import type { ContractOf } from '@gatecast/protocol';
import { tracedFrom } from '../errors/gatecast-error.js';
import type { AnyClass } from './any-class.js';
import { checkParentheses } from './check-parentheses.js';
import type { ChannelOptions } from './definition.js';
import { recordChannel } from './registry.js';

type PatternCheck<T, P extends string> = [ContractOf<T>] extends [never]
  ? unknown
  : string extends ContractOf<T>['pattern']
    ? unknown
    : [ContractOf<T>['pattern']] extends [P]
      ? unknown
      : {
          readonly 'the handlers of this class are typed for another pattern': ContractOf<T>['pattern'];
        };

/**
 * The result of {@link Channel}: a class decorator, for legacy and standard decorators.
 *
 * @group Channels
 */
export interface ChannelDecorator<P extends string> {
  <C extends AnyClass>(
    target: C & PatternCheck<InstanceType<C>, P>,
    context: ClassDecoratorContext<C>,
  ): void;
  <C extends AnyClass>(target: C & PatternCheck<InstanceType<C>, P>): void;
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
export function Channel<const P extends string>(
  pattern: P,
  options: ChannelOptions<NoInfer<P>> = {},
): ChannelDecorator<P> {
  const decorator = { name: '@Channel', usage: "@Channel('rooms/:roomId')", on: 'class' } as const;
  tracedFrom(Channel, () => checkParentheses(decorator, [pattern, options]));
  return (target: object): void =>
    recordChannel(target, { pattern, options: options as ChannelOptions });
}
