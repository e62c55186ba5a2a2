import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import { isSameStage, type StageAddress } from './apigw/endpoint.js';
import { LARGEST_WINDOW } from './window.js';

const READ_AHEAD = 2 * LARGEST_WINDOW;

/** What to read. */
export interface ReaderOptions {
  readonly connections: ConnectionStore;
  readonly channel: string;
  /** A connection that is left out. */
  readonly except: string | undefined;
  /** The stage whose connections are read; without it, all. */
  readonly address: StageAddress | undefined;
  /** Nothing is read after it. */
  readonly limit: TimeLimit;
}

/** Reads a channel's subscribers page by page, the next page while the one before is posted to. */
export class Reader {
  readonly #options: ReaderOptions;
  #ready: Subscriber[] = [];
  #taken = 0;
  #after: string | undefined;
  #isAtEnd = false;
  #reading: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** How many were read and not taken. */
  get left(): number {
    return this.#ready.length - this.#taken;
  }

  /** Whether all pages have been read. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /**
   * The next subscriber; nothing when there are no more, or no time to read them.
   *
   * @throws unknown - what the store throws, once all that was read before is taken.
   */
  async next(): Promise<Subscriber | undefined> {
    for (;;) {
      if (this.left < READ_AHEAD) this.#readOn();
      const next = this.#ready[this.#taken];
      if (next) {
        this.#taken += 1;
        return next;
      }
      if (this.#failure) throw this.#failure.error;
      if (this.#isAtEnd) return undefined;
      if (!this.#reading) return undefined;
      await this.#reading;
    }
  }

  #readOn(): void {
    if (this.#reading || this.#isAtEnd || this.#failure) return;
    if (timeLeftMs(this.#options.limit) === 0) return;
    this.#reading = this.#readPage()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#reading = undefined;
      });
  }

  async #readPage(): Promise<void> {
    const { connections, channel, except, address, limit } = this.#options;
    const range = this.#after === undefined ? {} : { after: this.#after };
    const page = await connections.subscribers(channel, range, limit);
    const own = page.items.filter(
      (subscriber) =>
        subscriber.connectionId !== except && (!address || isSameStage(subscriber, address)),
    );
    this.#ready = [...this.#ready.slice(this.#taken), ...own];
    this.#taken = 0;
    this.#after = page.next;
    this.#isAtEnd = page.next === undefined;
  }
}
