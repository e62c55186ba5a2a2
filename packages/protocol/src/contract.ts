import type { ChannelName, Fit } from './channel-name.js';

/**
 * What server and client agree on about a channel: its pattern and its events. It types `ctx.params`,
 * `publish`, the client's `on`, and the names of channels. It exists only as a type.
 *
 * @example
 * ```ts
 * type Room = ChannelType<'rooms/:roomId', { message: { text: string } }>;
 * ```
 * @group Channels
 */
export interface ChannelType<
  P extends string = string,
  E extends object = Record<string, unknown>,
> {
  /** Segments joined by `/`. A segment that begins with `:` is a parameter. */
  readonly pattern: P;
  /** The data of each event, by the event's name. */
  readonly events: E;
}

/** A {@link ChannelType} of any pattern and events, for constraints. @group Channels */
// oxlint-disable-next-line typescript/no-explicit-any -- inference reads both parameters back.
export type AnyChannelType = ChannelType<any, any>;

/**
 * Key of the {@link ChannelType} in the contexts of a channel class. A type only: it does not exist at
 * run time.
 *
 * @group Channels
 */
export declare const channelOf: unique symbol;
/**
 * Key of the type that the client sends, if a schema transforms it. A type only: it does not exist at run
 * time.
 *
 * @group Channels
 */
export declare const inputOf: unique symbol;

/**
 * The last parameter of a channel class's handlers, the context, which names the channel's type.
 *
 * @group Channels
 */
export interface ContractCarrier<C extends AnyChannelType = AnyChannelType> {
  /** @hidden */
  readonly [channelOf]?: C;
}

// The context of a connect handler has no channel. It must not turn the contract into `any`.
type ContractOfContext<X> = 0 extends 1 & X // `any` would be every contract at once.
  ? never
  : X extends { readonly connection: unknown }
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
 * The contract of a channel class, taken from the contexts of its handlers or from the arguments of
 * `defineChannel`. `never` if it has neither.
 *
 * @group Channels
 */
export type ContractOf<T> = T extends { readonly '~contract'?: infer C extends AnyChannelType }
  ? C
  : { [K in keyof T]-?: ContractOfMethod<T[K]> }[keyof T];

/**
 * The names that the channels of a class may have; any string if its contract is unknown.
 *
 * @group Channels
 */
export type NameOf<T> =
  ContractOf<T> extends { pattern: infer P extends string }
    ? string extends P
      ? string
      : ChannelName<P>
    : string;

/**
 * The data of a channel class's events, by name; any event if its contract is unknown.
 *
 * @group Channels
 */
export type EventsOf<T> = [ContractOf<T>] extends [never]
  ? Record<string, unknown>
  : ContractOf<T> extends { events: infer E extends object }
    ? E
    : Record<string, unknown>;

/** The pattern of a class; `string` if it is unknown. */
type PatternOf<C> = ContractOf<C> extends { pattern: infer P extends string } ? P : string;

// Looked up, not searched: for a page that opens each channel of an app the compiler would else compare each
// name with each pattern. Two keys are not segments: they stand for a parameter, and for a class without a pattern.
type FirstSegment<P extends string> = string extends P
  ? ''
  : P extends `:${string}`
    ? ':'
    : P extends `${infer First}/${string}`
      ? First
      : P;
type ByFirstSegment<C> = { [K in C as FirstSegment<PatternOf<K>>]: K };
type FirstOfName<N extends string> = N extends `${infer First}/${string}` ? First : N;
type Candidates<C, N extends string> =
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- it fits if the segment is not completely known.
  Record<never, never> extends Record<FirstOfName<N>, true>
    ? C
    : At<ByFirstSegment<C>, FirstOfName<N> | ':' | ''>;
// Without `keyof`, which the compiler would evaluate again for each name.
type At<T, K extends string> = K extends unknown
  ? T extends { readonly [_ in K]: infer V }
    ? V
    : never
  : never;

type FitOf<C, N extends string> = C extends unknown
  ? string extends PatternOf<C>
    ? never
    : Fit<N, PatternOf<C>>
  : never;
type Rest<F extends string> = F extends `${'0' | '1'}${infer R}` ? R : never;
type Best<F extends string> = [F] extends ['']
  ? F
  : [Extract<F, `0${string}`>] extends [never]
    ? `1${Best<Rest<F>>}`
    : `0${Best<Rest<Extract<F, `0${string}`>>>}`;
type Having<C, N extends string, F> = C extends unknown
  ? [FitOf<C, N>] extends [never]
    ? never
    : FitOf<C, N> extends F
      ? C
      : never
  : never;
type Unpatterned<C, F> = C extends unknown
  ? string extends PatternOf<C>
    ? [F] extends [never]
      ? C
      : never
    : never
  : never;
type NamedAmong<C, N extends string> =
  | Having<C, N, Best<FitOf<C, N>>>
  | Unpatterned<C, FitOf<C, N>>;

/**
 * The channel class that a name belongs to, out of several. As at run time, a literal segment takes
 * precedence over a parameter, from left to right. A class without a known pattern has
 * the names that match no other.
 *
 * @group Channels
 */
export type ChannelNamed<C, N extends string> = N extends unknown
  ? NamedAmong<Candidates<C, N>, N>
  : never;
