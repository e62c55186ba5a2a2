import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { onAbort } from './on-abort.js';

// The longest time of an integration (row 7.9), plus a margin for clocks that differ.
const LONGEST_CONNECT_MS = 35_000;
const BATCH_SIZE = 25;
/** Most connections that one delivery removes. The next delivery finds the others gone again. */
const MOST_REMOVED = 1_000;

/** Options of {@link Reaper}. */
export interface ReaperOptions {
  readonly connections: ConnectionStore;
  /** The app's clock. */
  readonly now: () => number;
  readonly report: (error: unknown) => void;
}

/** Removes connections that turned out to be gone from the store, while others still get their posts. */
export class Reaper {
  readonly #options: ReaperOptions;
  readonly #gone: string[] = [];
  readonly #stop = new AbortController();
  #taken = 0;
  #working: Promise<void> | undefined;
  #isAllowed = false;

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** Number of gone connections, without those that may still be opening. */
  get count(): number {
    return this.#gone.length;
  }

  /** Records that a post was answered with 410. */
  add({ connectionId, connectedAt }: Subscriber): void {
    // A connection also answers 410 until its $connect has returned (row 3.14), so a young one is not
    // removed.
    if (this.#options.now() - connectedAt < LONGEST_CONNECT_MS) return;
    this.#gone.push(connectionId);
    if (this.#isAllowed && this.#gone.length - this.#taken >= BATCH_SIZE) this.#startNext();
  }

  /** Starts removing connections, once the endpoint has proved to be right. */
  allow(): void {
    if (this.#isAllowed) return;
    this.#isAllowed = true;
    if (this.#gone.length >= BATCH_SIZE) this.#startNext();
  }

  /**
   * Removes the remaining connections. Ends after `mostMs` milliseconds at the latest, or when the signal
   * is aborted.
   */
  async finish(mostMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (mostMs <= 0 || signal?.aborted) this.#stop.abort();
    if (this.#isAllowed) this.#startNext();
    if (!this.#working) return;
    const timer = setTimeout(() => this.#stop.abort(), mostMs);
    const stopListening = onAbort(signal, () => this.#stop.abort());
    const stopped = new Promise<void>((resolve) => onAbort(this.#stop.signal, resolve));
    const work = async (): Promise<void> => {
      while (this.#working) await this.#working;
    };
    await Promise.race([work(), stopped]);
    clearTimeout(timer);
    stopListening();
  }

  // One call at a time, because a store removes several connections at once itself, and posts have
  // priority.
  #startNext(): void {
    if (this.#working || this.#stop.signal.aborted) return;
    const end = Math.min(this.#taken + BATCH_SIZE, MOST_REMOVED);
    const batch = this.#gone.slice(this.#taken, end);
    if (batch.length === 0) return;
    this.#taken += batch.length;
    this.#working = this.#remove(batch).finally(() => {
      this.#working = undefined;
      this.#startNext();
    });
  }

  async #remove(batch: readonly string[]): Promise<void> {
    const { connections, report } = this.#options;
    const { signal } = this.#stop;
    try {
      await connections.prune(batch, { signal });
    } catch (error) {
      // The next delivery will find these connections gone again.
      if (signal.aborted) return;
      this.#stop.abort();
      report(error);
    }
  }
}
