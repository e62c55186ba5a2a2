const SILENCE_MS = 30_000;
const ANSWER_MS = 5_000;
const PONG_MS = 10_000;

/**
 * Notices a connection that is open in name only: pings after 30 s of silence, or 5 s after a
 * request that nothing answers, and gives up when nothing comes within another 10 s. Short enough
 * for a message to be sent again on another connection before its deadline.
 */
export class KeepAlive {
  readonly #ping: () => unknown;
  readonly #onSilent: () => void;
  #stage: 'quiet' | 'expecting' | 'probing' = 'quiet';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: { ping: () => unknown; onSilent: () => void }) {
    this.#ping = options.ping;
    this.#onSilent = options.onSilent;
  }

  /** Something arrived, whatever it was. Also starts it. */
  heard(): void {
    this.#enter('quiet', SILENCE_MS);
  }

  /** A request went out. */
  expect(): void {
    if (this.#stage === 'quiet') this.#enter('expecting', ANSWER_MS);
  }

  /** Asks now, for there is reason to doubt. */
  probe(): void {
    if (this.#stage === 'probing') return;
    this.#enter('probing', PONG_MS);
    this.#ping();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #enter(stage: 'quiet' | 'expecting' | 'probing', forMs: number): void {
    clearTimeout(this.#timer);
    this.#stage = stage;
    this.#timer = setTimeout(() => {
      if (this.#stage === 'probing') this.#onSilent();
      else this.probe();
    }, forMs);
  }
}
