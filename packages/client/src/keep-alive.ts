import { after, type Timer } from './timers.js';

const ANSWER_MS = 5_000;
const PONG_MS = 10_000;

/** What a keep-alive needs. */
export interface KeepAliveOptions {
  /** Pings after so much silence, in milliseconds. */
  silenceMs(): number;
  /** Whether a request has no answer yet. */
  isWaiting(): boolean;
  ping(): void;
  onSilent(): void;
}

/**
 * Notices a connection that is open in name only: pings after a long silence, or 5 s after a request
 * that nothing answers, and gives up when nothing comes within another 10 s. Short enough for a
 * message to be sent again on another connection before its time is over.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #stage: 'quiet' | 'expecting' | 'probing' = 'quiet';
  #timer: Timer | undefined;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  /** Something arrived, whatever it was. Also starts it. */
  heard(): void {
    if (this.#options.isWaiting()) this.#enter('expecting', ANSWER_MS);
    else this.#enter('quiet', this.#options.silenceMs());
  }

  /** A request went out. */
  expect(): void {
    if (this.#stage === 'quiet') this.#enter('expecting', ANSWER_MS);
  }

  /** Asks now, for there is reason to doubt. */
  probe(): void {
    if (this.#stage === 'probing') return;
    this.#enter('probing', PONG_MS);
    this.#options.ping();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #enter(stage: 'quiet' | 'expecting' | 'probing', forMs: number): void {
    clearTimeout(this.#timer);
    this.#stage = stage;
    this.#timer = after(forMs, () => {
      if (this.#stage === 'probing') this.#options.onSilent();
      else this.probe();
    });
  }
}
