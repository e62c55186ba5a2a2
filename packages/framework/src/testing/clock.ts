/**
 * A clock that only moves when you call `advance`. The clock of a test app is `app.clock`.
 *
 * @group Start here
 */
export class TestClock {
  #now: number;

  /** @param start - In milliseconds since 1970. @default the current time */
  constructor(start: number = Date.now()) {
    this.#now = start;
  }

  /** The time, in milliseconds since 1970. */
  now = (): number => this.#now;

  /** Moves the clock forward. */
  advance(byMs: number): void {
    this.#now += byMs;
  }
}
