import type { ChannelType, inputOf, Json } from '@gatecast/protocol';

/** Whether handlers with this first parameter handle messages: a context comes first in all others. */
type IsData<First> = unknown extends First
  ? true
  : First extends { readonly connection: unknown }
    ? false
    : true;
type IsMessage<M> = M extends (...args: infer A) => unknown
  ? A extends []
    ? true
    : Required<A> extends [infer First, ...unknown[]]
      ? IsData<First>
      : false
  : false;

/**
 * The messages of a channel class: its public methods, but for those that take a context first.
 *
 * Decorators do not show in a type, so methods that handle no message count too. Make helpers private. A
 * method without parameters always counts, even one with `@OnSubscribe()`: sending it is
 * `ERR_ACTION_UNKNOWN`. `defineChannel` has its messages alone.
 *
 * @group Messages
 */
export type Messages<C> = {
  [K in keyof C & string as IsMessage<C[K]> extends true ? K : never]: C[K];
};

/** The names of the messages of a channel class. @group Messages */
export type MessageName<C> = keyof Messages<C> & keyof C & string;

/** What a handler's schema takes, where it says so, else what the handler takes. */
type Taken<M> = M extends { readonly [inputOf]?: infer I }
  ? unknown extends I
    ? M
    : Exclude<I, undefined>
  : M;
type TakenBy<H> = H extends (message: infer M, ...rest: never[]) => unknown ? Taken<M> : never;

/**
 * The data of a message, as it is sent: what its schema takes, where the class says so.
 *
 * @group Messages
 */
export type Payload<C, N extends keyof C> = Json<TakenBy<C[N]>>;

/** The answer to a message: what its handler returns, after JSON. @group Messages */
export type Reply<C, N extends keyof C> = C[N] extends (...args: never[]) => infer R
  ? Json<Awaited<R>>
  : never;

/**
 * A message's data and options, as arguments; data that may be `undefined` may be left out.
 *
 * @group Messages
 */
export type SendArguments<C, N extends keyof C> =
  undefined extends TakenBy<C[N]>
    ? [data?: Payload<C, N>, options?: SendOptions]
    : [data: Payload<C, N>, options?: SendOptions];

/** How a message is sent. @group Messages */
export interface SendOptions {
  /**
   * How long to wait until the message is written, and again from then on for its answer, in milliseconds. The
   * second wait can only be made shorter: later, the server may no longer know the message.
   * @default no limit until it is written; then 5 min, or what the server says
   */
  readonly timeoutMs?: number;
  /**
   * Give `false` for a message whose handler has `@OnMessage({ reply: false })`; nothing tells the
   * client so. It is resolved when it is written, never sent again, and rejected with
   * `ERR_NOT_CONNECTED` when there is no connection.
   * @default true
   */
  readonly reply?: boolean;
  /**
   * Names the message, 16 to 64 characters of `A-Z a-z 0-9 - _`, never used before. Give one that you have
   * stored if the message is to go again after the page was reloaded: the server publishes its events once on
   * a channel with history. While it has no answer, another `send` with the id waits for the same answer. Keep
   * it secret: whoever knows it knows the message's `ctx.idempotencyKey`.
   * @default 128 random bits
   */
  readonly id?: string;
}

/** The answer to a message, and the id of the event that the message leads to. @group Messages */
export interface Sending<R> extends Promise<R> {
  /** The id of the first event that the handler publishes on the channel: a page knows its own echo by it. */
  readonly id: string;
}

/** A channel of which nothing is known: any message, any event. @group Messages */
export type UntypedChannel = {
  readonly '~contract'?: ChannelType;
} & {
  /** Any message, with any answer. */
  readonly [message: string]: (message: unknown) => unknown;
};

/** What only other contexts have: of a message, of a connection, of a subscription that has ended. */
type Elsewhere = 'messageId' | 'cause' | 'code' | 'reason' | 'channels' | 'headers' | 'query';
/** What a method returns that may be the `@OnSubscribe` handler: it takes a context alone, or nothing. */
type Possible<M> = M extends (...args: infer A) => infer R
  ? A extends []
    ? R
    : Required<A> extends [infer X]
      ? IsData<X> extends true
        ? never
        : [keyof X & Elsewhere] extends [never]
          ? R
          : never
      : never
  : never;
/** What a method returns that certainly is it: no other context has `isRepeated`. */
type Certain<M> = M extends (ctx: infer X) => infer R
  ? IsData<X> extends true
    ? never
    : X extends { readonly isRepeated: unknown }
      ? R
      : never
  : never;
type FirstKnown<A, B> = [A] extends [never] ? ([B] extends [never] ? unknown : B) : A;
type Subscribed<C> = C extends { readonly '~subscribed'?: infer R }
  ? R
  : FirstKnown<
      { [K in keyof C]-?: Certain<C[K]> }[keyof C],
      { [K in keyof C]-?: Possible<C[K]> }[keyof C]
    >;

/**
 * What the subscribe handler of a channel returns, as it arrives.
 *
 * Decorators do not show in a type, so of a class it is what the method returns that takes a
 * `SubscribeContext`. Without one it is what any of those returns that may be the `@OnSubscribe` handler: the
 * methods without parameters, and those that take a wider context. Where a class has several, give the
 * handler its `SubscribeContext`. It is `unknown` where nothing can be the handler. A class without a handler
 * has no data, whatever the type says. Of `defineChannel` it is exact.
 *
 * @group Messages
 */
export type SubscribeData<C> = Json<Awaited<Subscribed<C>>>;
