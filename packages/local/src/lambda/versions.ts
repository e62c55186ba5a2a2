import { rm } from 'node:fs/promises';
import type { RouteManifest } from '@gatecast/framework';
import type { Invocation, InvocationResult, LambdaFunction } from '../gateway/lambda-function.js';
import type { Bundle, Bundler, Rebuild } from './bundle.js';
import type { FunctionConfiguration } from './function.js';
import { type LoadedFunction, loadFunction } from './load.js';

/** The result of reloading a changed function. @group Start here */
export type ReloadEvent =
  | {
      readonly type: 'reloaded';
      /** Name of the function whose source changed. */
      readonly functionName: string;
      /**
       * Whether every connection was closed, because the function had its state in memory. Clients may
       * reconnect.
       */
      readonly closedConnections: boolean;
    }
  | {
      /** The last good version keeps running. */
      readonly type: 'failed';
      readonly functionName: string;
      readonly error: Error;
    };

/** Callbacks of a reload to the gateway. */
export interface ReloadHooks {
  /** Checks the manifest of the new version. If it throws, the version is refused. */
  readonly accept: (manifest: RouteManifest | undefined) => void;
  readonly closeAllConnections: () => Promise<void>;
  /** Called before a new version is loaded, which may take seconds. `onReload` follows, unless a newer one comes. */
  readonly onReloading: () => void;
  readonly onReload: (event: ReloadEvent) => void;
}

/** The first version of a function, and where the next ones come from. */
interface Source {
  readonly bundler: Bundler;
  readonly bundle: Bundle;
  /** Called when the process with the function's state has died. */
  readonly onStateLost: () => void;
}

interface Reload {
  readonly hooks: ReloadHooks;
  /** Aborted when the result is of no use any more. */
  readonly signal: AbortSignal;
}

/**
 * A function whose versions are replaced while the gateway runs. An invocation runs on the version that
 * was current at its start.
 */
export class RunningFunction implements LambdaFunction {
  readonly #configuration: FunctionConfiguration;
  readonly #bundler: Bundler;
  readonly #onStateLost: () => void;
  readonly #retired = new Set<LoadedFunction>();
  readonly #closing = new AbortController();
  #current: LoadedFunction;
  #reloading: Promise<void> = Promise.resolve();
  /** Aborted when there is a newer version than the one that waits or is being loaded. */
  #outdated = new AbortController();

  private constructor(
    configuration: FunctionConfiguration,
    { bundler, onStateLost }: Source,
    first: LoadedFunction,
  ) {
    this.#configuration = configuration;
    this.#bundler = bundler;
    this.#onStateLost = onStateLost;
    this.#current = first;
  }

  /** @throws StartError if the module fails to load or lacks the handler. */
  static async load(
    configuration: FunctionConfiguration,
    source: Source,
    signal?: AbortSignal,
  ): Promise<RunningFunction> {
    const { bundle, onStateLost } = source;
    const first = await loadFunction(bundle, configuration, { onStateLost, signal });
    return new RunningFunction(configuration, source, first);
  }

  get name(): string {
    return this.#configuration.name;
  }

  /** The manifest of the current version. */
  get manifest(): RouteManifest | undefined {
    return this.#current.manifest;
  }

  invoke(event: object, invocation: Invocation): Promise<InvocationResult> {
    return this.#current.pool.invoke(event, invocation);
  }

  /** Kills the execution environments of the current version, and resolves to their number. */
  killEnvironments(): Promise<number> {
    return this.#current.pool.killAll();
  }

  /**
   * Reloads at each change of the source, until the bundler is closed. Only the newest version is loaded: one
   * that takes long, or hangs, does not delay the change that mends it.
   */
  async watch(hooks: ReloadHooks): Promise<void> {
    await this.#bundler.watch((rebuild) => {
      // A mistake outdates nothing: the version before it may be the last good one.
      if (rebuild.type === 'built') {
        this.#outdated.abort();
        this.#outdated = new AbortController();
      }
      const signal = AbortSignal.any([this.#closing.signal, this.#outdated.signal]);
      this.#reloading = this.#reloading.then(() => this.#reload(rebuild, { hooks, signal }));
    });
  }

  /** Waits until all changes so far have been loaded or refused. */
  reloaded(): Promise<void> {
    return this.#reloading;
  }

  /** Ends every process at once, also that of a version that is being loaded. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#retired, this.#current].map(({ pool }) => pool.close()));
  }

  async #reload(rebuild: Rebuild, { hooks, signal }: Reload): Promise<void> {
    const { name: functionName } = this;
    if (signal.aborted) return;
    try {
      if (rebuild.type === 'failed') {
        throw rebuild.error;
      }
      hooks.onReloading();
      const next = await loadFunction(rebuild.bundle, this.#configuration, {
        onStateLost: this.#onStateLost,
        signal,
      });
      if (signal.aborted) return await next.pool.close();
      const closedConnections = await this.#replace(next, hooks);
      hooks.onReload({ type: 'reloaded', functionName, closedConnections });
    } catch (error) {
      if (signal.aborted) return;
      hooks.onReload({ type: 'failed', functionName, error: error as Error });
    }
  }

  async #replace(next: LoadedFunction, hooks: ReloadHooks): Promise<boolean> {
    try {
      hooks.accept(next.manifest);
    } catch (error) {
      await next.pool.close();
      throw error;
    }
    const previous = this.#current;
    this.#current = next;
    this.#retire(previous);
    const closesConnections = next.isSingle || previous.isSingle;
    if (closesConnections) {
      // Only after the switch, so that clients that reconnect at once do not reach the old store.
      await hooks.closeAllConnections();
    }
    return closesConnections;
  }

  #retire(previous: LoadedFunction): void {
    this.#retired.add(previous);
    const removed = previous.pool.drain().then(async () => {
      this.#retired.delete(previous);
      await rm(previous.bundle.file, { force: true });
      await rm(previous.bundle.mapFile, { force: true });
    });
    // What is left over is removed with the whole folder at the end.
    removed.catch(() => {});
  }
}
