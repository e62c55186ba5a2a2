/** Limits of the waits between attempts. */
export interface Backoff {
  /** Longest wait before the second attempt, in milliseconds. It doubles with each further attempt. */
  readonly firstMs: number;
  /** Longest wait before any attempt, in milliseconds. */
  readonly longestMs: number;
}

/**
 * How long to wait before the next attempt, in milliseconds: a random time from 0 to the current limit
 * ("full jitter"), so that callers that failed at the same time do not retry at the same time.
 *
 * @param failed - How many attempts have failed, 1 or more.
 */
export function backoffMs(failed: number, { firstMs, longestMs }: Backoff): number {
  return Math.random() * Math.min(longestMs, firstMs * 2 ** (failed - 1));
}
