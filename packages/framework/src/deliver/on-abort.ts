import { Bag } from '../time/bag.js';

const callbacksOf = new WeakMap<AbortSignal, Bag<() => void>>();

/**
 * Calls back when a signal is aborted, or at once if it already is. A delivery waits for one signal in
 * hundreds of places, which share one listener, because removing one of many listeners is slow.
 *
 * @returns A function that removes the callback.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const callbacks = callbacksOf.get(signal) ?? listen(signal);
  const item = callbacks.add(callback);
  return () => callbacks.remove(item);
}

function listen(signal: AbortSignal): Bag<() => void> {
  const callbacks = new Bag<() => void>();
  callbacksOf.set(signal, callbacks);
  const callAll = (): void => {
    for (const item of callbacks.items) {
      // An earlier callback may have removed it.
      if (callbacks.remove(item)) item.value();
    }
  };
  signal.addEventListener('abort', callAll);
  return callbacks;
}
