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

/** Information about the app, for a plugin's `setup`. @group Plugins */
export interface PluginSetup {
  /** The routes that the channels were compiled to. */
  readonly routes: RouteTable;
  readonly store: Store;
}

/** Context of `onFrame`: a frame of a client before any check. @group Plugins */
export interface FrameContext {
  /**
   * The action of the frame: `subscribe`, `rooms.post` or any other string; `undefined` if it cannot be
   * read.
   */
  readonly action: string | undefined;
  /** Size of the frame, in bytes. */
  readonly bytes: number;
  readonly connectionId: string;
  /** The sender; `undefined` until `next()` has been called, and if it is not known. */
  readonly connection: Connection | undefined;
  /** The event as API Gateway sent it. */
  readonly event: WebSocketEvent;
}

/** Context of `onPublish`. @group Plugins */
export interface PublishContext {
  /** The channel's name. */
  readonly channel: string;
  /** The event's name. */
  readonly event: string;
  /** The event's id. */
  readonly id: string;
  /** Whether the event is posted without retries and never kept. */
  readonly ephemeral: boolean;
}

/**
 * Context of `onDeliver`: the delivery of one event to the subscribers of its channel.
 *
 * @group Plugins
 */
export interface DeliverContext extends PublishContext {
  /** The outcome, once `next()` has ended; zeros before. */
  readonly delivery: DeliveryCount;
  /** Its place in the channel's history; absent if it is not kept. */
  readonly position?: string;
}

/** Context of `onHistory`: a client reads events of a channel's history. @group Plugins */
export interface HistoryContext {
  /** The reader. */
  readonly connection: Connection;
  /** The channel's name. */
  readonly channel: string;
  /** The parameters in its name, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * `page`: a `history` frame. `resume` and `rewind`: a subscription with a position, or for the latest events.
   */
  readonly kind: 'page' | 'resume' | 'rewind';
}

/** Where an error happened. @group Plugins */
export interface ErrorContext {
  /** The route key, `authorizer`, or `publish` outside of any event. */
  readonly route: string;
  readonly connectionId?: string;
  readonly requestId?: string;
  /** Whether the client gets an error as its answer. False on one-way routes and after the answer. */
  readonly isAnswered: boolean;
  /** Number of channels in one frame that failed in the same way; absent if it is one. */
  readonly count?: number;
  /** How long ago API Gateway received the request, in milliseconds; absent outside of any event. */
  readonly durationMs?: number;
}

/** Continues with the next plugin and, at the end, with the work that the hooks wrap. */
export type Next = () => Promise<void>;
/**
 * Continues with the next plugin and, at the end, with the handler. Takes the properties that this plugin
 * adds to the context.
 *
 * @group Plugins
 */
export type NextWith<A extends object> = object extends A ? Next : (add: A) => Promise<void>;

/**
 * Hooks around what an app does. They run in the order of `createApp({ plugins })` and unwind in
 * reverse. If a hook does not call `next()`, the work that it wraps does not run; if it throws a
 * `ClientError`, the request is refused. Await `next()` or return its result: otherwise
 * ERR_PLUGIN_NEXT_NOT_AWAITED is thrown. Calling it twice throws ERR_PLUGIN_NEXT_TWICE.
 *
 * @group Plugins
 */
export interface Plugin<A extends object = object> {
  /** Appears in errors and logs. */
  readonly name: string;
  /** Names of plugins that must come before it in the list. */
  readonly requires?: readonly string[];
  /**
   * Whether the app also works without its hooks, as with a logger. Where API Gateway writes connections
   * itself, no function runs for `$connect` and `$disconnect`, so these hooks do not run either.
   * @default false
   */
  readonly observesOnly?: boolean;
  /** Runs when the app is created, once per cold start. */
  setup?(app: PluginSetup): void;
  /**
   * Around each frame that a client sends, before its identity, the access rule and the schema are
   * checked. Use it for quotas. Without `next()` the frame is refused (`ERR_FORBIDDEN`).
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
   * Around each channel that a connection has left for any reason, after the store has removed the
   * membership. Without `next()` the unsubscribe handler does not run.
   */
  onUnsubscribe?(ctx: UnsubscribeContext, next: Next): unknown;
  /**
   * Around each message, after its access rule and its schema. Without `next()` the handler does
   * not run and the answer has no data.
   */
  onMessage?(ctx: MessageContext & Partial<A>, next: NextWith<A>): unknown;
  /**
   * Around each read of a channel's history by a client, after its access rule. Without `next()` the client gets
   * none: a `history` frame is refused (`ERR_FORBIDDEN`), and a subscription begins without missed events.
   */
  onHistory?(ctx: HistoryContext, next: Next): unknown;
  /** Around each publish, before anything is kept or delivered. Without `next()` nothing is. */
  onPublish?(ctx: PublishContext, next: Next): unknown;
  /**
   * Around each delivery: once for all subscribers together. Without `next()` nobody gets the event.
   */
  onDeliver?(ctx: DeliverContext, next: Next): unknown;
  /**
   * Around `$disconnect`, after the store has removed the connection and before the handlers run. It runs
   * as late and as unreliably as `$disconnect` itself.
   */
  onDisconnect?(ctx: DisconnectContext, next: Next): unknown;
  /**
   * Called for every error, whether a client was refused (a `ClientError`) or something failed; once if
   * several channels of a frame failed in the same way. If no plugin has this hook, the framework writes
   * errors to the console. Errors of the hook itself are written there, too.
   */
  onError?(error: unknown, ctx: ErrorContext): void;
}

/**
 * Checks a plugin and returns it unchanged. `createApp` finds mistakes in the order of plugins.
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
 * @typeParam A - The properties that the plugin adds to the context by `next({ … })`.
 *
 * @throws ConfigurationError - ERR_PLUGIN_HOOK_UNKNOWN, ERR_OPTION_VALUE.
 * @group Plugins
 */
export function definePlugin<A extends object = object>(plugin: Plugin<A>): Plugin<A> {
  checkPlugin(plugin);
  return plugin;
}

/** Any plugin, for lists of plugins. */
// oxlint-disable-next-line typescript/no-explicit-any -- each plugin adds other properties.
export type AnyPlugin = Plugin<any> & { readonly call?: never };
