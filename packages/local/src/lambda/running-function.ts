import { rm } from 'node:fs/promises';
import type { RouteManifest } from '@gatecast/framework';
import type { Bundle, Bundler, Rebuild } from './bundle.js';
import type { Invocation, InvocationResult, LambdaFunction } from './lambda-function.js';
import { type FunctionSettings, type LoadedFunction, loadFunction } from './load-function.js';

/** What came of taking over a change of the source. */
export type ReloadEvent =
  | {
      readonly type: 'reloaded';
      /** Name of the function whose source changed. */
      readonly functionName: string;
      /** The function kept its state in memory, so every connection was closed and may come back. */
      readonly closedConnections: boolean;
    }
  | {
      /** The last good version goes on. */
      readonly type: 'failed';
      readonly functionName: string;
      readonly error: Error;
    };

/** What a function's reloads ask of the gateway. */
export interface ReloadHooks {
  /** Looks at what the new version's app says of itself; a throw refuses the version. */
  readonly accept: (manifest: RouteManifest | undefined) => void;
  readonly closeAllConnections: () => Promise<void>;
  readonly onReload: (event: ReloadEvent) => void;
}

/** A function that was bundled, and how it is to run. */
export interface BundledFunction {
  readonly name: string;
  readonly bundler: Bundler;
  readonly bundle: Bundle;
  readonly settings: FunctionSettings;
  /** Called when the process has died that kept the function's state in memory. */
  readonly onStateLost: () => void;
}

/**
 * A function whose versions follow each other while the gateway runs. An invocation goes to the
 * version of the moment and stays with it.
 */
export class RunningFunction implements LambdaFunction {
  readonly name: string;
  readonly #bundler: Bundler;
  readonly #settings: FunctionSettings;
  readonly #onStateLost: () => void;
  readonly #retired = new Set<LoadedFunction>();
  #current: LoadedFunction;
  #reloading: Promise<void> = Promise.resolve();

  private constructor(bundled: BundledFunction, first: LoadedFunction) {
    this.name = bundled.name;
    this.#bundler = bundled.bundler;
    this.#settings = bundled.settings;
    this.#onStateLost = bundled.onStateLost;
    this.#current = first;
  }

  /** @throws StartError when the module fails to load or lacks the handler. */
  static async load(bundled: BundledFunction): Promise<RunningFunction> {
    const { bundle, settings, onStateLost } = bundled;
    return new RunningFunction(bundled, await loadFunction(bundle, settings, onStateLost));
  }

  /** That of the version of the moment. */
  get manifest(): RouteManifest | undefined {
    return this.#current.manifest;
  }

  invoke(event: object, invocation: Invocation): Promise<InvocationResult> {
    return this.#current.pool.invoke(event, invocation);
  }

  /** Kills the execution environments of the version of the moment; resolves to their number. */
  killEnvironments(): Promise<number> {
    return this.#current.pool.killAll();
  }

  /** Takes over each change of the source, until the bundler is closed. */
  async watch(hooks: ReloadHooks): Promise<void> {
    await this.#bundler.watch((rebuild) => {
      this.#reloading = this.#reloading.then(() => this.#reload(rebuild, hooks));
    });
  }

  /** Waits until the changes seen so far were taken over or refused. */
  reloaded(): Promise<void> {
    return this.#reloading;
  }

  /** Ends every process at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#retired, this.#current].map(({ pool }) => pool.close()));
  }

  async #reload(rebuild: Rebuild, hooks: ReloadHooks): Promise<void> {
    const { name: functionName } = this;
    try {
      if (rebuild.type === 'failed') {
        throw rebuild.error;
      }
      const next = await loadFunction(rebuild.bundle, this.#settings, this.#onStateLost);
      const closedConnections = await this.#replace(next, hooks);
      hooks.onReload({ type: 'reloaded', functionName, closedConnections });
    } catch (error) {
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
      // Only after the change: a client that comes back at once must not meet the store that goes.
      await hooks.closeAllConnections();
    }
    return closesConnections;
  }

  #retire(previous: LoadedFunction): void {
    this.#retired.add(previous);
    void previous.pool.drain().then(async () => {
      this.#retired.delete(previous);
      await rm(previous.bundle.file, { force: true });
      await rm(previous.bundle.mapFile, { force: true });
    });
  }
}
