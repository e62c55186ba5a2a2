import { checkOptions } from '../errors/check-options.js';

const advanceTypes = {
  byMs: { takes: 'a number of milliseconds', fits: (value: unknown) => Number.isFinite(value) },
};

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

  /**
   * Moves the clock forward, or with a negative number back.
   *
   * @throws ConfigurationError - ERR_OPTION_VALUE, if `byMs` is not a number: all times would be lost.
   */
  advance(byMs: number): void {
    // NaN, because an option that is undefined counts as absent.
    checkOptions('clock.advance()', { byMs: byMs ?? Number.NaN }, advanceTypes);
    this.#now += byMs;
  }
}
