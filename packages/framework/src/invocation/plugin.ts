import type {
  ConnectContext,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from '../channel/context.js';
import type { DeliveryCount } from '../channel/publishing.js';
import type { RouteTable } from '../channel/route-table.js';
import type { Store } from '../store/store.js';
import type { Connection } from '../wire/connection.js';
import type { WebSocketEvent } from '../wire/lambda-events.js';
import { checkPlugin } from './check-plugin.js';

/** What a plugin learns of the app it is in. */
export interface PluginSetup {
  /** What the channels compiled to. */
  readonly routes: RouteTable;
  readonly store: Store;
}

/** A frame of a client, as `onFrame` sees it: before anything of it has been checked. */
export interface FrameContext {
  /** What the client asks for: `subscribe`, `rooms.post`, or any text; `undefined` when it cannot be read. */
  readonly action: string | undefined;
  /** Size of the frame, in bytes. */
  readonly bytes: number;
  readonly connectionId: string;
  /** Who sent it; `undefined` before `next()` has been called, and where that is not known. */
  readonly connection: Connection | undefined;
  /** The event as API Gateway sent it. */
  readonly event: WebSocketEvent;
}

/** A publish, as `onPublish` sees it. */
export interface PublishContext {
  /** The channel's name. */
  readonly channel: string;
  /** The event's name. */
  readonly event: string;
  /** The event's id. */
  readonly id: string;
  /** Whether it is tried once for each subscriber and never kept. */
  readonly ephemeral: boolean;
}

/** A delivery, as `onDeliver` sees it: one event on its way to the subscribers of its channel. */
export interface DeliverContext extends PublishContext {
  /** What became of it, once `next()` has ended; zeros before. */
  readonly delivery: DeliveryCount;
}

/** Where an error happened. */
export interface ErrorContext {
  /** The route key, `authorizer`, or `publish` outside of any event. */
  readonly route: string;
  readonly connectionId?: string;
  readonly requestId?: string;
  /** Whether the client was told; false on one-way routes and after the answer. */
  readonly isAnswered: boolean;
  /** How many channels of one frame failed alike; absent for one. */
  readonly count?: number;
  /** How long ago API Gateway received the request, in milliseconds; absent outside of any event. */
  readonly durationMs?: number;
}

/** Goes on with the next plugin and, last, what the hook is around. */
export type Next = () => Promise<void>;
/** Goes on with the next plugin and, last, the handler; takes what this plugin adds to the context. */
export type NextWith<A extends object> = object extends A ? Next : (add: A) => Promise<void>;

/**
 * Hooks around what an app does. They run in the order of `createApp({ plugins })` and unwind in
 * reverse. A hook that does not call `next()` stops what it wraps; one that throws a `ClientError`
 * refuses it. Await `next()`, or return what it returns: a hook that does not is
 * ERR_PLUGIN_NEXT_NOT_AWAITED, and calling it twice is ERR_PLUGIN_NEXT_TWICE.
 */
export interface Plugin<A extends object = object> {
  /** Shows in errors and logs. */
  readonly name: string;
  /** Plugins that must stand before it. */
  readonly requires?: readonly string[];
  /** Runs when the app is created, once a cold start. */
  setup?(app: PluginSetup): void;
  /**
   * Around each frame that a client sends, before its identity, the access rule and the schema: the
   * place for a quota. Without `next()` the frame is refused (`ERR_FORBIDDEN`).
   */
  onFrame?(ctx: FrameContext, next: Next): unknown;
  /**
   * Around `$connect`: before the connect handlers and before the connection is stored. Without
   * `next()` the connection is refused (403).
   */
  onConnect?(ctx: ConnectContext, next: Next): unknown;
  /**
   * Around each channel of a subscribe frame, after its access rule; not for `autoSubscribe`.
   * Without `next()` the subscription is refused (`ERR_FORBIDDEN`).
   */
  onSubscribe?(ctx: SubscribeContext & Partial<A>, next: NextWith<A>): unknown;
  /**
   * Around each channel that is left, however that came about, after the store has forgotten the
   * membership. Without `next()` the unsubscribe handler does not run.
   */
  onUnsubscribe?(ctx: UnsubscribeContext, next: Next): unknown;
  /**
   * Around each message, after its access rule and its schema. Without `next()` the handler does
   * not run and the answer has no data.
   */
  onMessage?(ctx: MessageContext & Partial<A>, next: NextWith<A>): unknown;
  /** Around each publish, before anything is delivered. Without `next()` nothing is delivered. */
  onPublish?(ctx: PublishContext, next: Next): unknown;
  /**
   * Around each delivery: once for all subscribers, never once for each. Without `next()` the event
   * reaches nobody.
   */
  onDeliver?(ctx: DeliverContext, next: Next): unknown;
  /**
   * Around `$disconnect`, after the store has forgotten the connection and before the handlers run.
   * As late and as uncertain as `$disconnect` itself.
   */
  onDisconnect?(ctx: DisconnectContext, next: Next): unknown;
  /**
   * Told of every error: refusals of clients (a `ClientError`) and failures; once when several channels
   * of a frame failed alike. When no plugin has this hook, the framework writes to the console itself.
   * What the hook throws goes there, too.
   */
  onError?(error: unknown, ctx: ErrorContext): void;
}

/**
 * Checks a plugin where it is written; returns it as it is. Mistakes in the order of plugins are found
 * by `createApp`.
 *
 * @example
 * ```ts
 * const quota = definePlugin({
 *   name: 'quota',
 *   async onFrame(ctx, next) {
 *     const retryAfterMs = await buckets.take(ctx.connectionId);
 *     if (retryAfterMs > 0) throw new ClientError('ERR_RATE_LIMIT', 'Slow down.', { retryAfterMs });
 *     await next();
 *   },
 * });
 * ```
 *
 * @typeParam A - What the plugin adds to the context, by `next({ … })`.
 *
 * @throws ConfigurationError - ERR_PLUGIN_HOOK_UNKNOWN, ERR_OPTION_VALUE.
 */
export function definePlugin<A extends object = object>(plugin: Plugin<A>): Plugin<A> {
  checkPlugin(plugin);
  return plugin;
}

/** Any plugin, in a list of several. */
// oxlint-disable-next-line typescript/no-explicit-any -- what each plugin adds is its own matter.
export type AnyPlugin = Plugin<any> & { readonly call?: never };
