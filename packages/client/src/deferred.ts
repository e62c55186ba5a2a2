/** A promise that is settled from outside. (`Promise.withResolvers` came with Node 22.) */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  /** Rejects. It is not an unhandled rejection if nobody awaits the promise. */
  readonly rejectQuietly: (error: Error) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  const rejectQuietly = (error: Error): void => {
    promise.catch(() => {});
    reject(error);
  };
  return { promise, resolve, reject, rejectQuietly };
}
