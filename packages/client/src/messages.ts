import type { ChannelType, inputOf } from '@gatecast/protocol';
import type { Json, Received } from './json.js';

type IsMessage<M> = M extends (...args: infer A) => unknown
  ? Required<A> extends [infer First, ...unknown[]]
    ? unknown extends First
      ? true
      : First extends { readonly connection: unknown }
        ? false
        : true
    : false
  : false;

/**
 * The messages of a channel class: its public methods that take a message first, not a context.
 * Methods that are not handlers count too, since decorators do not show in a type: make them private.
 */
export type Messages<C> = {
  [K in keyof C & string as IsMessage<C[K]> extends true ? K : never]: C[K];
};

/** The names of the messages of a channel class. */
export type MessageName<C> = keyof Messages<C> & keyof C & string;

/** What a handler's schema takes, where it says so, else what the handler takes. */
type Taken<M> = M extends { readonly [inputOf]?: infer I }
  ? unknown extends I
    ? M
    : Exclude<I, undefined>
  : M;
type TakenBy<H> = H extends (message: infer M, ...rest: never[]) => unknown ? Taken<M> : never;

/** The data of a message, as it is sent: what its schema takes, where the class says so. */
export type Payload<C, N extends keyof C> = Json<TakenBy<C[N]>>;

/** The answer to a message: what its handler returns, after JSON. */
export type Reply<C, N extends keyof C> = C[N] extends (...args: never[]) => infer R
  ? Received<Awaited<R>>
  : never;

/** A message's data and options, as arguments; data that may be `undefined` may be left out. */
export type SendArguments<C, N extends keyof C> =
  undefined extends TakenBy<C[N]>
    ? [data?: Payload<C, N>, options?: SendOptions]
    : [data: Payload<C, N>, options?: SendOptions];

/** How a message is sent. */
export interface SendOptions {
  /**
   * How long to wait until the message is written, and again from then on for its answer, in
   * milliseconds. At most 5 min, or what the server says: for so long it knows a message that is sent again.
   * @default 30_000, the longest that API Gateway itself waits for an answer being 29 s
   */
  readonly timeoutMs?: number;
  /**
   * Give `false` for a message whose handler has `@OnMessage({ reply: false })`; nothing tells the
   * client so. It is resolved when it is written, never sent again, and rejected with
   * `ERR_NOT_CONNECTED` when there is no connection.
   * @default true
   */
  readonly reply?: boolean;
}

/** The answer to a message, and the id of the event that the message leads to. */
export interface Sending<R> extends Promise<R> {
  /** The id of the first event that the handler publishes on the channel: a page knows its own echo by it. */
  readonly id: string;
}

/** A channel of which nothing is known: any message, any event. */
export type UntypedChannel = {
  readonly '~contract'?: ChannelType;
} & {
  /** Any message, with any answer. */
  readonly [message: string]: (message: unknown) => unknown;
};

type Subscribed<M> = M extends (ctx: infer X) => infer R
  ? unknown extends X
    ? never
    : X extends { readonly connection: unknown; readonly params: unknown }
      ? X extends { readonly cause: unknown }
        ? never
        : Received<Awaited<R>>
      : never
  : never;
type SubscribedOf<C> = { [K in keyof C]-?: Subscribed<C[K]> }[keyof C];

/** What the `@OnSubscribe` handler of a channel class returns; `unknown` where its type does not say. */
export type SubscribeData<C> = [SubscribedOf<C>] extends [never] ? unknown : SubscribedOf<C>;
