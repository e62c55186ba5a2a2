import type { MachineStep } from './steps.js';

/** Counts the listeners that it has. */
class CountingTarget extends EventTarget {
  readonly #listeners = new Map<string, Set<unknown>>();

  get count(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options: boolean | AddEventListenerOptions = {},
  ): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    const { signal } = Object(options) as AddEventListenerOptions;
    signal?.addEventListener('abort', () => listeners.delete(listener));
    super.addEventListener(type, listener, options);
  }

  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void {
    this.#listeners.get(type)?.delete(listener);
    super.removeEventListener(type, listener, options);
  }
}

class Document extends CountingTarget {
  visibilityState: 'visible' | 'hidden' = 'visible';
}

/** Window and document of a page, as far as a client listens to them. */
export class Page {
  readonly #window = new CountingTarget();
  readonly #document = new Document();

  /** How many listeners there are. */
  get listeners(): number {
    return this.#window.count + this.#document.count;
  }

  globals(): Record<string, unknown> {
    const window = this.#window;
    return {
      addEventListener: window.addEventListener.bind(window),
      removeEventListener: window.removeEventListener.bind(window),
      document: this.#document,
    };
  }

  wake(by: (MachineStep & { readonly do: 'wake' })['by']): void {
    if (by === 'visibilitychange') {
      this.#see('hidden');
      this.#see('visible');
    } else {
      this.#dispatch(by);
    }
  }

  /** Goes to the back/forward cache. */
  hide(): void {
    this.#see('hidden');
    this.#dispatch('pagehide');
  }

  /** Comes back from there. */
  show(): void {
    this.#dispatch('pageshow');
    this.#see('visible');
  }

  #see(state: Document['visibilityState']): void {
    this.#document.visibilityState = state;
    this.#document.dispatchEvent(new Event('visibilitychange'));
  }

  #dispatch(type: string): void {
    this.#window.dispatchEvent(Object.assign(new Event(type), { persisted: true }));
  }
}
