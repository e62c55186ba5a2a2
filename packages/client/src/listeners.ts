import { optionError } from './options.js';

/** Ends what it was returned for. Calling it again does nothing. @group Connection */
export type Off = () => void;

/**
 * The calls of an app's listeners, one after the other. What happens while one is running is told
 * when all have heard of what came before, so that nobody hears things in another order.
 */
export class CallQueue {
  readonly #waiting: (() => void)[] = [];
  #isRunning = false;

  /** Tells the listeners of one thing. */
  run(tell: () => void): void {
    this.#waiting.push(tell);
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next();
    this.#isRunning = false;
  }
}

/** Functions of the app that are called one after the other, each whatever the others do. */
export class Listeners<A extends unknown[]> {
  readonly #calls: CallQueue;
  readonly #entries = new Set<{ readonly call: (...args: A) => unknown }>();

  constructor(calls: CallQueue) {
    this.#calls = calls;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws TypeError - for anything but a function. */
  add(call: (...args: A) => unknown): Off {
    if (typeof call !== 'function') {
      throw optionError('The listener is not a function.', 'Give a function.');
    }
    // An entry of its own, so that a function added twice is called twice and removed one by one.
    const entry = { call };
    this.#entries.add(entry);
    return () => {
      this.#entries.delete(entry);
    };
  }

  /** Calls them as soon as those have returned that are being called. */
  emit(...args: A): void {
    this.#calls.run(() => this.tell(...args));
  }

  /** Calls them now: only from within the {@link CallQueue}. */
  tell(...args: A): void {
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

/** Not at once: what it throws, and what `reportError` calls, must not come between two listeners. */
function report(error: unknown): void {
  queueMicrotask(() => {
    if (typeof reportError !== 'function') throw error;
    reportError(error);
  });
}
