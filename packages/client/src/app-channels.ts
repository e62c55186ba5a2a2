import type { ChannelNamed, NameOf } from '@gatecast/protocol';

type InstanceOf<T> = T extends abstract new (...args: never[]) => infer I ? I : T;

type ChannelsOf<A> = A extends { readonly '~channels'?: infer L extends readonly unknown[] }
  ? InstanceOf<L[number]>
  : never;
type NamesOf<C> = C extends unknown ? NameOf<C> : never;

/** The names that the channels of an app may have. @group Channels */
export type AppChannelName<A> = NamesOf<ChannelsOf<A>> & string;

/** The channel class of an app that a name belongs to. @group Channels */
export type AppChannel<A, N extends string> = ChannelNamed<ChannelsOf<A>, N>;
