/**
 * A promise that knows whether anybody has waited for it. If it rejects and nobody has, the process does
 * not end with an unhandled rejection: the creator of the promise reports the failure.
 */
export class WatchedPromise<T> extends Promise<T> {
  // `then` and the like return ordinary promises.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  #isAwaited = false;

  constructor(executor: ConstructorParameters<typeof Promise<T>>[0]) {
    super(executor);
    // Marks a rejection as handled, without marking the promise as awaited.
    super.then(undefined, () => {});
  }

  /** Whether `await`, `then`, `catch`, `finally` or a function of `Promise` was ever used on it. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- an `await` of anything but a plain promise calls it.
  override then<R = T, F = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => F | PromiseLike<F>) | null,
  ): Promise<R | F> {
    this.#isAwaited = true;
    return super.then(onFulfilled, onRejected);
  }
}
