const BASE_MS = 500;
const CAP_MS = 20_000;

/** The longest that `setTimeout` takes: with more it fires at once. */
export const MAX_DELAY_MS: number = 2 ** 31 - 1;

/**
 * How long to wait before try `attempt`, counted from 0: anything from nothing to a limit that
 * doubles from 0.5 s to 20 s. All clients of an account share 500 new connections a second
 * (Amazon API Gateway quotas), so after an outage they must not come back together.
 */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}
