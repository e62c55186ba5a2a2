import type {
  Invocation,
  InvocationResult,
  LambdaFunction,
} from '../../gateway/lambda-function.js';
import type { Environment } from './environment.js';

export interface EnvironmentPoolOptions {
  /** Starts one more environment. */
  readonly start: () => Environment;
  /** Most environments at once. Further invocations wait in the order of arrival. */
  readonly maxEnvironments: number;
  /** An environment that has been started already. */
  readonly first: Environment;
  /**
   * Called when a process ended that was not closed with the pool, with the reason if it ended by itself
   * between two invocations. Everything in its memory is lost.
   */
  readonly onDeath?: ((reason: string | undefined) => void) | undefined;
}

/** A Lambda function: environments that are started on demand and run one invocation each. */
export class EnvironmentPool implements LambdaFunction, AsyncDisposable {
  readonly #options: EnvironmentPoolOptions;
  /**
   * The most recently used one comes last and is used first, so that the state of modules stays in few
   * processes.
   */
  readonly #idle: Environment[];
  readonly #busy = new Set<Environment>();
  readonly #waiting: ((next: Environment | Promise<Environment> | undefined) => void)[] = [];
  #state: 'open' | 'draining' | 'closed' = 'open';
  #drained = (): void => {};

  constructor(options: EnvironmentPoolOptions) {
    this.#options = options;
    this.#idle = [this.#watched(options.first)];
  }

  async invoke(event: object, invocation: Invocation): Promise<InvocationResult> {
    const environment = await this.#take();
    if (environment === undefined) {
      const errorMessage = 'The function was closed before this invocation could run.';
      return { type: 'error', errorType: 'Runtime.ExitError', errorMessage };
    }
    try {
      return await environment.invoke(event, invocation);
    } finally {
      this.#giveBack(environment);
    }
  }

  /** Waits for running and waiting invocations, then ends the processes. */
  async drain(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'draining';
      if (this.#busy.size > 0) {
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      }
    }
    await this.close();
  }

  /** Ends every process at once, even during an invocation. */
  async close(): Promise<void> {
    this.#state = 'closed';
    for (const proceed of this.#waiting.splice(0)) {
      proceed(undefined);
    }
    await Promise.all([...this.#idle, ...this.#busy].map((environment) => environment.close()));
    this.#drained();
  }

  /**
   * Kills every process, even during an invocation, and resolves to their number. Further invocations
   * start new ones.
   */
  async killAll(): Promise<number> {
    const environments = [...this.#idle.splice(0), ...this.#busy].filter(
      ({ isUsable }) => isUsable,
    );
    await Promise.all(environments.map((environment) => environment.close()));
    return environments.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #take(): Promise<Environment | undefined> {
    if (this.#state === 'closed') {
      return undefined;
    }
    if (this.#busy.size < this.#options.maxEnvironments) {
      return this.#next();
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** An idle environment, or a new one if the idle ones have ended. */
  #next(): Environment {
    let environment = this.#idle.pop();
    while (environment !== undefined && !environment.isUsable) {
      environment = this.#idle.pop();
    }
    environment ??= this.#watched(this.#options.start());
    this.#busy.add(environment);
    return environment;
  }

  #watched(environment: Environment): Environment {
    void environment.ended.then((reason) => {
      if (this.#state === 'open') {
        this.#options.onDeath?.(reason);
      }
    });
    return environment;
  }

  #giveBack(environment: Environment): void {
    if (this.#state === 'closed') {
      return;
    }
    this.#busy.delete(environment);
    this.#idle.push(environment);
    const proceed = this.#waiting.shift();
    if (proceed !== undefined) {
      // If no process can be started, it is the waiting invocation that fails, not the one that has ended.
      proceed(new Promise<Environment>((resolve) => resolve(this.#next())));
      return;
    }
    if (this.#busy.size === 0) {
      this.#drained();
    }
  }
}
