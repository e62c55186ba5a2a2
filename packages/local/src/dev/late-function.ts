import type { Invocation, InvocationResult, LambdaFunction } from '../gateway/lambda-function.js';

/** A function that no route uses. It is loaded at its first invocation. */
export class LateFunction implements LambdaFunction {
  readonly #load: () => Promise<LambdaFunction>;
  #loading: Promise<LambdaFunction> | undefined;

  constructor(load: () => Promise<LambdaFunction>) {
    this.#load = load;
  }

  /** @throws StartError if it cannot be built or loaded. The next invocation tries again. */
  async invoke(event: object, invocation: Invocation): Promise<InvocationResult> {
    const loading = this.#loading ?? this.#load();
    this.#loading = loading;
    const lambda = await loading.catch((error: unknown) => {
      // Others may have waited for it, and the first of them may have begun again.
      if (this.#loading === loading) this.#loading = undefined;
      throw error;
    });
    return lambda.invoke(event, invocation);
  }

  /** Waits until it is loaded, or has failed to. */
  async settled(): Promise<void> {
    await this.#loading?.catch(() => {});
  }
}
