import type { Api } from '../api.js';
import type { ServedDeployment } from '../deployment.js';

/** Limits of a throttle (row 7.5). @group Access and identity */
export interface Throttle {
  /** Average requests per second; may be a fraction. */
  readonly rateLimit: number;
  /** Most requests at once after an idle time. */
  readonly burstLimit: number;
}

// Units per token, so that whole rates and whole milliseconds are counted exactly.
const TOKEN = 1_000;

/** A token bucket: full at first, and refilled over time. */
export class TokenBucket {
  readonly #throttle: Throttle;
  #credit: number;
  #filledAt = Number.POSITIVE_INFINITY;

  /** @throws Error if a limit is not a number or is negative. */
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

  /**
   * Takes one token if there is one. `now` is in milliseconds; if the clock goes back, nothing is
   * refilled.
   */
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

/**
 * Whether a request exceeds the limit of its route or of the account. If not, it counts for both (row
 * 7.5); a request that its route refuses does not count for the account. Refused requests are reported.
 */
export function isThrottled(
  api: Api,
  { throttles }: ServedDeployment,
  { route, connectionId }: { readonly route: string; readonly connectionId: string },
): boolean {
  const limits = [
    { bucket: throttles.get(route), whose: `The route "${route}"` },
    { bucket: api.accountThrottle, whose: 'The account' },
  ];
  const reached = limits.find(({ bucket }) => bucket?.take(api.now()) === false);
  if (!reached) return false;
  const detail = `${reached.whose} has reached its limit.`;
  api.report({ time: api.now(), route, connectionId, result: 'throttled', detail });
  return true;
}
