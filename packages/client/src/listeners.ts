/** Ends what it was returned for. Calling it again does nothing. */
export type Off = () => void;

/** Functions of the app that are called one after the other, each whatever the others do. */
export class Listeners<A extends unknown[]> {
  readonly #entries = new Set<{ readonly call: (...args: A) => unknown }>();

  add(call: (...args: A) => unknown): Off {
    // An entry of its own, so that a function added twice is called twice and removed one by one.
    const entry = { call };
    this.#entries.add(entry);
    return () => {
      this.#entries.delete(entry);
    };
  }

  emit(...args: A): void {
    for (const entry of Array.from(this.#entries)) {
      if (!this.#entries.has(entry)) continue;
      try {
        entry.call(...args);
      } catch (error) {
        report(error);
      }
    }
  }
}

function report(error: unknown): void {
  if (typeof reportError === 'function') {
    reportError(error);
    return;
  }
  queueMicrotask(() => {
    throw error;
  });
}
