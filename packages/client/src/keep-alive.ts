import { after, type Timer } from './timers.js';

export const PROBE_AFTER_MS = 5_000;
export const PONG_MS = 10_000;

/** What a keep-alive needs. */
export interface KeepAliveOptions {
  ping(): void;
  onSilent(): void;
}

/**
 * Notices a connection that is open in name only: pings after a long silence, or 5 s after a request
 * that nothing answers, and gives up when nothing comes within another 10 s. Short enough for a
 * message to be sent again on another connection before its time is over.
 */
export class KeepAlive {
  /** Pings after so much silence, in milliseconds. */
  silenceMs: number;
  readonly #options: KeepAliveOptions;
  #stage: 'quiet' | 'expecting' | 'probing' = 'quiet';
  #timer: Timer | undefined;

  constructor(silenceMs: number, options: KeepAliveOptions) {
    this.silenceMs = silenceMs;
    this.#options = options;
  }

  /** Something arrived, whatever it was. Also starts it. */
  heard(isWaiting: boolean): void {
    if (isWaiting) this.#enter('expecting', PROBE_AFTER_MS);
    else this.#enter('quiet', this.silenceMs);
  }

  /** A request went out. */
  expect(): void {
    if (this.#stage === 'quiet') this.#enter('expecting', PROBE_AFTER_MS);
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
