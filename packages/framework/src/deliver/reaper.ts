import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { onAbort } from './on-abort.js';

// The longest an integration may take (row 7.9), and a little for clocks that disagree.
const LONGEST_CONNECT_MS = 35_000;
const BATCH_SIZE = 25;
/** Most connections that one delivery removes; the next one finds the others gone again. */
const MOST_REMOVED = 1_000;

/** What a reaper works with. */
export interface ReaperOptions {
  readonly connections: ConnectionStore;
  /** The app's clock. */
  readonly now: () => number;
  readonly report: (error: unknown) => void;
}

/** Removes connections that turned out to be gone from the store, beside the posting. */
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

  /** How many were gone, without those that may still be opening. */
  get count(): number {
    return this.#gone.length;
  }

  /** A post was answered with 410. */
  add({ connectionId, connectedAt }: Subscriber): void {
    // Until its $connect has returned a connection is 410 too (row 3.14): do not forget it yet.
    if (this.#options.now() - connectedAt < LONGEST_CONNECT_MS) return;
    this.#gone.push(connectionId);
    if (this.#isAllowed && this.#gone.length - this.#taken >= BATCH_SIZE) this.#startNext();
  }

  /** From now on it removes what it was told of: the endpoint has proved to be the right one. */
  allow(): void {
    if (this.#isAllowed) return;
    this.#isAllowed = true;
    if (this.#gone.length >= BATCH_SIZE) this.#startNext();
  }

  /** Removes what is left, then ends: after some milliseconds at the latest, or with the signal. */
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

  // One call at a time: the store works on several connections at once itself, and posts come first.
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
      // What is not removed now is gone again at the next delivery.
      if (signal.aborted) return;
      this.#stop.abort();
      report(error);
    }
  }
}
