import type {
  AnyChannelType,
  ChannelName,
  ChannelNamed,
  EventsOf,
  NameOf,
} from '@gatecast/protocol';
import type { ServerChannel } from '../channel/publishing.js';

// oxlint-disable-next-line typescript/no-explicit-any -- any constructor.
type AnyClass = abstract new (...args: any[]) => object;

/** The instance type of a class. The type of an instance stays as it is. */
type InstanceOf<I> = I extends AnyClass ? InstanceType<I> : I;

/** The instance types of a list of channel classes. */
type ChannelsOf<L extends readonly unknown[]> = InstanceOf<L[number]>;

/** The names that the channels of a list may have. */
export type NamesOf<L extends readonly unknown[]> =
  ChannelsOf<L> extends infer C ? (C extends unknown ? NameOf<C> : never) : never;

/** Publishes on the channels of a known list, and on other channels by their contract. */
export interface AppPublishing<L extends readonly unknown[]> {
  /**
   * A channel by its name. The events are those of the channel class that the name belongs to.
   */
  channel<const N extends NamesOf<L> & string>(
    name: N,
  ): ServerChannel<EventsOf<ChannelNamed<ChannelsOf<L>, N>>>;
  /** A channel by its name, typed by the given contract: `app.channel<Room>(name)`. */
  channel<C extends AnyChannelType = never>(
    name: ChannelName<C['pattern']>,
  ): ServerChannel<C['events']>;
}

/**
 * Accepted in the list of channels: a class without constructor parameters, an instance, or a
 * `defineChannel` value.
 */
export type AcceptChannel<T> = T extends AnyClass
  ? T extends new () => object
    ? T
    : 'This class has constructor parameters: pass an instance, or `resolve` to createApp.'
  : T extends object
    ? T
    : never;
