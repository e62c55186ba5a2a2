const ADAPTED_EVERY_MS = 100;
const LOWEST_SHARE = 1 / 20;
const SLOWER = 0.7;
/**
 * The rate falls only if at least this share of the posts is throttled. API Gateway also throttles a
 * single connection whose client reads too slowly, and that must not slow down the others.
 */
const THROTTLED_SHARE = 0.02;
const FASTER_SHARE = 0.03;
/** Share of a second's posts that may be sent at once. */
const BURST_SHARE = 0.1;

/**
 * Limits the posts per second with a token bucket that fills more slowly while API Gateway throttles
 * (429). Posts, messages and handshakes share one quota of the account, so posts at full speed would use
 * all of it.
 */
export class Pace {
  readonly #fullRate: number;
  readonly #now: () => number;
  #rate: number;
  #tokens: number;
  #filledAt: number;
  #adaptedAt: number;
  #taken = 0;
  #throttled = 0;

  /** @param now - A monotonic clock, in milliseconds. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#fullRate = perSecond;
    this.#now = now;
    this.#rate = perSecond;
    this.#tokens = this.#mostTokens;
    this.#filledAt = this.#now();
    this.#adaptedAt = this.#filledAt;
  }

  /** The current limit, in posts per second. */
  get rate(): number {
    this.#adapt(this.#now());
    return this.#rate;
  }

  /** Records that a post was throttled. */
  slowDown(): void {
    this.#throttled += 1;
  }

  /** Takes a token and returns 0, or returns how long to wait for one, in milliseconds. */
  take(): number {
    const now = this.#now();
    this.#adapt(now);
    const filled = ((now - this.#filledAt) * this.#rate) / 1_000;
    this.#tokens = Math.min(this.#mostTokens, this.#tokens + filled);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1_000) / this.#rate);
    this.#tokens -= 1;
    this.#taken += 1;
    return 0;
  }

  get #mostTokens(): number {
    return Math.max(1, this.#fullRate * BURST_SHARE);
  }

  #adapt(now: number): void {
    const steps = Math.floor((now - this.#adaptedAt) / ADAPTED_EVERY_MS);
    if (steps < 1) return;
    this.#adaptedAt += steps * ADAPTED_EVERY_MS;
    const full = this.#fullRate;
    const isThrottled = this.#throttled > this.#taken * THROTTLED_SHARE;
    if (isThrottled) this.#rate = Math.max(full * LOWEST_SHARE, this.#rate * SLOWER);
    const freeSteps = isThrottled ? steps - 1 : steps;
    this.#rate = Math.min(full, this.#rate + freeSteps * full * FASTER_SHARE);
    this.#taken = 0;
    this.#throttled = 0;
  }
}
