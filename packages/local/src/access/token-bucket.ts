/** How many requests are let through (row 7.5). */
export interface Throttle {
  /** Requests a second in the long run; a fraction for less than one. */
  readonly rateLimit: number;
  /** Requests at once, after a while without any. */
  readonly burstLimit: number;
}

// A token is this much credit, so that whole rates and whole milliseconds are counted exactly.
const TOKEN = 1_000;

/** A bucket of tokens: full at first, and filled again as time goes by. */
export class TokenBucket {
  readonly #throttle: Throttle;
  #credit: number;
  #filledAt = Number.POSITIVE_INFINITY;

  /** @throws Error when a limit is no number, or negative. */
  constructor(throttle: Throttle, where: string) {
    const limits = { rateLimit: throttle.rateLimit, burstLimit: throttle.burstLimit };
    for (const [name, limit] of Object.entries(limits)) {
      if (!(limit >= 0)) {
        throw new Error(`The "${name}" of ${where} is "${limit}". Make it a number from 0 on.`);
      }
    }
    this.#throttle = throttle;
    this.#credit = throttle.burstLimit * TOKEN;
  }

  /** Takes one token, if there is one. `now` is in milliseconds; a clock that is put back fills nothing. */
  take(now: number): boolean {
    const { rateLimit, burstLimit } = this.#throttle;
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#credit = Math.min(burstLimit * TOKEN, this.#credit + elapsedMs * rateLimit);
    this.#filledAt = now;
    if (this.#credit < TOKEN) return false;
    this.#credit -= TOKEN;
    return true;
  }
}
