/** How the waits between attempts grow. */
export interface Backoff {
  /** Most before the second attempt, in milliseconds. It doubles with each further one. */
  readonly firstMs: number;
  /** Most before any attempt, in milliseconds. */
  readonly longestMs: number;
}

/**
 * How long to wait before the next attempt, in milliseconds: anything from 0 to the most there is
 * ("full jitter"), so that those who failed together do not come back together.
 *
 * @param failed - How many attempts have failed, 1 or more.
 */
export function backoffMs(failed: number, { firstMs, longestMs }: Backoff): number {
  return Math.random() * Math.min(longestMs, firstMs * 2 ** (failed - 1));
}
