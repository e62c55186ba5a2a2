import type {
  ConnectContext,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
} from '../channel/context.js';
import type { RouteTable } from '../channel/route-table.js';
import type { DeliveryBatch } from '../deliver/deliver.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Store } from '../store/store.js';
import { checkPlugin } from './check-plugin.js';

/** What a plugin learns of the app it is in. */
export interface PluginSetup {
  /** What the channels compiled to. */
  readonly routes: RouteTable;
  readonly store: Store;
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

/** Where an error happened. */
export interface ErrorContext {
  /** The route key, `authorizer`, or `publish` outside of any event. */
  readonly route: string;
  readonly connectionId?: string;
  readonly requestId?: string;
  /** Whether the client was told; false on one-way routes and after the answer. */
  readonly isAnswered: boolean;
}

type Next = () => Promise<void>;
/** Goes on with the next plugin and, last, the handler; takes what this plugin adds to the context. */
export type NextWith<A extends object> = object extends A ? Next : (add: A) => Promise<void>;

/**
 * Hooks around what an app does. They run in the order of `createApp({ plugins })` and unwind in
 * reverse. A hook that does not call `next()` stops what it wraps; one that throws a `ClientError`
 * refuses it. Calling `next()` twice is ERR_PLUGIN_NEXT_TWICE.
 */
export interface Plugin<A extends object = object> {
  /** Shows in errors and logs. */
  readonly name: string;
  /** Plugins that must stand before it. */
  readonly requires?: readonly string[];
  /** Runs when the app is created, once a cold start. */
  setup?(app: PluginSetup): void;
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
   * Around each message, after its access rule and its schema. Without `next()` the handler does
   * not run and the answer has no data.
   */
  onMessage?(ctx: MessageContext & Partial<A>, next: NextWith<A>): unknown;
  /** Around each publish, before anything is delivered. Without `next()` nothing is. */
  onPublish?(ctx: PublishContext, next: Next): unknown;
  /** Around each batch of posts: once for up to some thousand connections, never once for each. */
  onDeliver?(batch: DeliveryBatch, next: Next): unknown;
  /**
   * Around `$disconnect`, after the store has forgotten the connection and before the handlers run.
   * As late and as uncertain as `$disconnect` itself.
   */
  onDisconnect?(ctx: DisconnectContext, next: Next): unknown;
  /**
   * Told of every error: what clients were refused (a `ClientError`) and what went wrong. When no
   * plugin has this hook, the framework writes the latter to the console itself. What it throws
   * goes there too.
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
 *   async onMessage(ctx, next) {
 *     const retryAfterMs = await buckets.take(ctx.connection.id);
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

type HookName =
  | 'onConnect'
  | 'onSubscribe'
  | 'onMessage'
  | 'onPublish'
  | 'onDeliver'
  | 'onDisconnect';

/** All hooks of one name as one function around `last`; `undefined` when no plugin has the hook. */
export type Around<C> = ((ctx: C, last: Next) => Promise<void>) | undefined;

/** Every hook of an app's plugins, composed once. */
export interface Hooks {
  readonly onConnect: Around<ConnectContext>;
  readonly onSubscribe: Around<SubscribeContext>;
  readonly onMessage: Around<MessageContext>;
  readonly onPublish: Around<PublishContext>;
  readonly onDeliver: Around<DeliveryBatch>;
  readonly onDisconnect: Around<DisconnectContext>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- what each plugin adds is its own matter.
export type AnyPlugin = Plugin<any> & { readonly call?: never };

/** Checks the list of plugins and composes their hooks. */
export function composeHooks(plugins: readonly AnyPlugin[]): Hooks {
  const names = new Set<string>();
  for (const plugin of plugins) {
    checkPlugin(plugin);
    const { name, requires = [] } = plugin;
    if (names.has(name)) throw makeError('ERR_PLUGIN_DUPLICATE', { plugin: name });
    const needed = requires.find((other) => !names.has(other));
    if (needed !== undefined) throw makeError('ERR_PLUGIN_ORDER', { plugin: name, needed });
    names.add(name);
  }
  return {
    onConnect: compose(plugins, 'onConnect'),
    onSubscribe: compose(plugins, 'onSubscribe'),
    onMessage: compose(plugins, 'onMessage'),
    onPublish: compose(plugins, 'onPublish'),
    onDeliver: compose(plugins, 'onDeliver'),
    onDisconnect: compose(plugins, 'onDisconnect'),
  };
}

function compose<C extends object>(plugins: readonly AnyPlugin[], hook: HookName): Around<C> {
  const having = plugins.filter((plugin) => plugin[hook]);
  if (having.length === 0) return undefined;
  return having.reduceRight<NonNullable<Around<C>>>(
    (inner, plugin) => async (ctx, last) => {
      let isCalled = false;
      const next = async (add?: object): Promise<void> => {
        if (isCalled) throw makeError('ERR_PLUGIN_NEXT_TWICE', { plugin: plugin.name, hook });
        isCalled = true;
        if (add) Object.assign(ctx, add);
        await inner(ctx, last);
      };
      // Each hook's own parameter types were checked where the plugin was defined.
      await (plugin[hook] as (ctx: C, next: (add?: object) => Promise<void>) => unknown)(ctx, next);
    },
    async (_ctx, last) => last(),
  );
}
