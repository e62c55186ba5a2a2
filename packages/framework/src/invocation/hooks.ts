import type {
  ConnectContext,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from '../channel/context.js';
import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import { WatchedPromise } from '../time/watched-promise.js';
import { checkPlugin } from './check-plugin.js';
import type {
  AnyPlugin,
  DeliverContext,
  FrameContext,
  HistoryContext,
  Next,
  PublishContext,
} from './plugin.js';
import { makeReport, type Report } from './report.js';

/**
 * All plugins' hooks with one name, as one function around `last`; `undefined` if no plugin has the hook.
 */
export type Around<C> = ((ctx: C, last: Next) => Promise<void>) | undefined;

/** All hooks of an app's plugins, composed once. */
export interface Hooks {
  readonly onFrame: Around<FrameContext>;
  readonly onConnect: Around<ConnectContext>;
  readonly onSubscribe: Around<SubscribeContext>;
  readonly onUnsubscribe: Around<UnsubscribeContext>;
  readonly onMessage: Around<MessageContext>;
  readonly onHistory: Around<HistoryContext>;
  readonly onPublish: Around<PublishContext>;
  readonly onDeliver: Around<DeliverContext>;
  readonly onDisconnect: Around<DisconnectContext>;
}

/** The result of {@link composePlugins}. */
export interface ComposedPlugins {
  readonly hooks: Hooks;
  readonly report: Report;
}

/** Checks the list of plugins and composes their hooks. */
export function composePlugins(plugins: readonly AnyPlugin[]): ComposedPlugins {
  checkOrder(plugins);
  const report = makeReport(plugins);
  const compose = <C extends object>(hook: HookName): Around<C> => {
    const having = plugins.filter((plugin) => plugin[hook]);
    if (having.length === 0) return undefined;
    return having.reduceRight<NonNullable<Around<C>>>(
      (inner, plugin) => (ctx, last) =>
        new HookRun({ plugin, hook, ctx, report }).run(() => inner(ctx, last)),
      async (_ctx, last) => last(),
    );
  };
  return {
    report,
    hooks: {
      onFrame: compose('onFrame'),
      onConnect: compose('onConnect'),
      onSubscribe: compose('onSubscribe'),
      onUnsubscribe: compose('onUnsubscribe'),
      onMessage: compose('onMessage'),
      onHistory: compose('onHistory'),
      onPublish: compose('onPublish'),
      onDeliver: compose('onDeliver'),
      onDisconnect: compose('onDisconnect'),
    },
  };
}

function checkOrder(plugins: readonly AnyPlugin[]): void {
  const names = new Set<string>();
  for (const plugin of plugins) {
    checkPlugin(plugin);
    const { name, requires = [] } = plugin;
    if (names.has(name)) throw makeError('ERR_PLUGIN_DUPLICATE', { plugin: name });
    const needed = requires.find((other) => !names.has(other));
    if (needed !== undefined) throw makeError('ERR_PLUGIN_ORDER', { plugin: name, needed });
    names.add(name);
  }
}

type HookName = keyof Hooks;
type AnyHook = (ctx: object, next: (add?: object) => Promise<void>) => unknown;

/**
 * Messages for hooks that refuse by not calling `next()`. The error is thrown inside the chain, so that
 * earlier plugins see it.
 */
const REFUSALS: Partial<Readonly<Record<HookName, string>>> = {
  onFrame: 'A plugin refused the frame.',
  onConnect: 'A plugin refused the connection.',
  onSubscribe: 'A plugin refused the subscription.',
  onHistory: 'A plugin refused the history.',
};

type Mistake = 'ERR_PLUGIN_NEXT_TWICE' | 'ERR_PLUGIN_NEXT_NOT_AWAITED';

interface HookCall {
  readonly plugin: AnyPlugin;
  readonly hook: HookName;
  readonly ctx: object;
  readonly report: Report;
}

/** One run of one plugin's hook. */
class HookRun {
  readonly #call: HookCall;
  #mistake: Mistake | undefined;
  /** The work that the hook wraps, once it has called `next()`. */
  #wrapped: Promise<void> | undefined;
  /** The return value of its `next()`. */
  #returned: WatchedPromise<void> | undefined;
  #isWrappedOver = false;
  #isOver = false;

  constructor(call: HookCall) {
    this.#call = call;
  }

  /** Ends when both the hook and the work that it wraps have ended. */
  async run(inner: Next): Promise<void> {
    const { plugin, hook, ctx } = this.#call;
    try {
      // The types of each hook's parameters were checked where the plugin was defined.
      await (plugin[hook] as AnyHook)(ctx, (add) => this.#next(inner, add));
      const isAwaited = this.#isWrappedOver && this.#returned?.isAwaited;
      if (this.#wrapped && !isAwaited) this.#mistake ??= 'ERR_PLUGIN_NEXT_NOT_AWAITED';
    } finally {
      this.#isOver = true;
      await this.#wrapped?.catch(() => {});
    }
    if (this.#mistake) {
      const [outcome] = await Promise.allSettled([this.#wrapped]);
      throw this.#fail(this.#mistake, outcome.status === 'rejected' ? outcome.reason : undefined);
    }
    const refusal = this.#wrapped ? undefined : REFUSALS[hook];
    if (refusal !== undefined) throw new ClientError('ERR_FORBIDDEN', refusal);
  }

  #next(inner: Next, add: object | undefined): Promise<void> {
    if (this.#isOver) {
      // Only report it: nobody waits for it any more, and an unhandled rejection would end the
      // environment.
      const { hook, report } = this.#call;
      report(this.#fail('ERR_PLUGIN_NEXT_NOT_AWAITED'), { route: hook, isAnswered: false });
      return new Promise(() => {});
    }
    if (this.#wrapped) {
      this.#mistake = 'ERR_PLUGIN_NEXT_TWICE';
      const error = this.#fail(this.#mistake);
      return new WatchedPromise((_resolve, reject) => reject(error));
    }
    Object.assign(this.#call.ctx, add);
    const wrapped = inner().finally(() => {
      this.#isWrappedOver = true;
    });
    this.#wrapped = wrapped;
    this.#returned = new WatchedPromise((resolve, reject) => {
      // After the hook has ended, nobody waits for its next(), and an unhandled rejection would end the
      // environment.
      wrapped.then(
        () => !this.#isOver && resolve(),
        (error: unknown) => !this.#isOver && reject(error),
      );
    });
    return this.#returned;
  }

  #fail(code: Mistake, cause?: unknown): Error {
    return makeError(code, { plugin: this.#call.plugin.name, hook: this.#call.hook }, cause);
  }
}
