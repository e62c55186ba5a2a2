/** A promise that is settled from outside. (`Promise.withResolvers` came with Node 22.) */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  /** Rejects for something that the app itself asked for, so that nobody need be waiting. */
  readonly abandon: (error: Error) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  const abandon = (error: Error): void => {
    promise.catch(() => {});
    reject(error);
  };
  return { promise, resolve, reject, abandon };
}
