import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import { isOwn, type StageAddress } from './apigw/endpoint.js';
import { LARGEST_WINDOW } from './window.js';

const READ_AHEAD = 2 * LARGEST_WINDOW;

/** Options of {@link Reader}. */
export interface ReaderOptions {
  readonly connections: ConnectionStore;
  readonly channel: string;
  /** A connection to leave out. */
  readonly except: string | undefined;
  /** Only connections of this stage are returned; without it, all. */
  readonly address: StageAddress | undefined;
  /** No page is read after this time. */
  readonly limit: TimeLimit;
}

/**
 * Reads a channel's subscribers page by page. The next page is read while the subscribers of the previous
 * one get their posts.
 */
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

  /** Number of subscribers that were read but not returned by {@link next}. */
  get left(): number {
    return this.#ready.length - this.#taken;
  }

  /** Whether all pages have been read. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /**
   * The next subscriber; `undefined` if there are no more or time ran out.
   *
   * @throws unknown - the error of the store, after all subscribers that had been read.
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
      (subscriber) => subscriber.connectionId !== except && isOwn(subscriber, address),
    );
    this.#ready = [...this.#ready.slice(this.#taken), ...own];
    this.#taken = 0;
    this.#after = page.next;
    this.#isAtEnd = page.next === undefined;
  }
}
