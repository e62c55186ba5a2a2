import type { ChannelName } from './channel-name.js';

/**
 * What a channel is to both sides: its pattern and its events. It types `ctx.params`, `publish`,
 * the client's `on`, and the names a channel may have. It has no value at run time.
 *
 * @example
 * ```ts
 * type Room = ChannelType<'rooms/:roomId', { message: { text: string } }>;
 * ```
 */
export interface ChannelType<
  P extends string = string,
  E extends object = Record<string, unknown>,
> {
  /** Segments joined by `/`; one that begins with `:` is a parameter. */
  readonly pattern: P;
  /** The data of each event, by the event's name. */
  readonly events: E;
}

/** Any {@link ChannelType}. */
// oxlint-disable-next-line typescript/no-explicit-any -- inference reads both parameters back.
export type AnyChannelType = ChannelType<any, any>;

/** Carries the {@link ChannelType} in the contexts of a channel class. Types only: never present at run time. */
export declare const channelOf: unique symbol;
/** Carries what the client sends, where a schema transforms it. Types only: never present at run time. */
export declare const inputOf: unique symbol;

/** What a channel class's handlers take last: it says which channel it belongs to. */
export interface ContractCarrier<C extends AnyChannelType = AnyChannelType> {
  readonly [channelOf]?: C;
}

// A context that names no channel (that of a connect handler) must not turn the contract into `any`.
type ContractOfContext<X> = X extends { readonly connection: unknown }
  ? typeof channelOf extends keyof X
    ? X extends ContractCarrier<infer C>
      ? C
      : never
    : never
  : never;

type ContractOfMethod<M> = M extends (...args: infer A) => unknown
  ? A extends [infer X, ...infer R]
    ? ContractOfContext<X> | (R extends [infer Y, ...unknown[]] ? ContractOfContext<Y> : never)
    : never
  : never;

/**
 * The contract of a channel class: what the contexts of its handlers say, or what `defineChannel`
 * was given. `never` when none of them names a channel.
 */
export type ContractOf<T> = T extends { readonly '~contract'?: infer C extends AnyChannelType }
  ? C
  : { [K in keyof T]-?: ContractOfMethod<T[K]> }[keyof T];

/**
 * The names that the channels of a class may have; any string when its handlers name no channel.
 */
export type NameOf<T> =
  ContractOf<T> extends { pattern: infer P extends string }
    ? string extends P
      ? string
      : ChannelName<P>
    : string;

/** The data of a channel class's events, by name; any event when its handlers name no channel. */
export type EventsOf<T> = [ContractOf<T>] extends [never]
  ? Record<string, unknown>
  : ContractOf<T> extends { events: infer E extends object }
    ? E
    : Record<string, unknown>;
