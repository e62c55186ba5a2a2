import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';

/**
 * The longest one delivery may take within a publish: a function behind an API has to answer within 29 s
 * (Amazon API Gateway quotas).
 */
const LONGEST_DELIVERY_MS = 25_000;
/** Left at the end of that for posts that are under way. */
const LAST_POSTS_MS = 250;
/** Left at the end of an invocation at least, for what comes after the delivery. */
const LEAST_RESERVE_MS = 500;

/** When a delivery has to stop, in milliseconds since 1970. */
export interface DeliveryTimes {
  /** Nothing begins any more: no post, no page. */
  readonly beginUntil: number;
  /** What is still under way is given up. */
  readonly cutAt: number;
}

/**
 * When a delivery that begins now has to stop. At the end of an invocation its last posts get as long as
 * posts take, and what comes after the delivery as long again; unless there was little time to begin with.
 */
export function deliveryTimes(limit: TimeLimit, p99Ms: number): DeliveryTimes {
  const now = Date.now();
  const leftMs = timeLeftMs(limit);
  const reserveMs = Math.min(Math.max(LEAST_RESERVE_MS, 2 * p99Ms), leftMs / 2);
  const longest = now + LONGEST_DELIVERY_MS;
  return {
    beginUntil: Math.min(now + leftMs - reserveMs, longest - LAST_POSTS_MS),
    cutAt: Math.min(now + leftMs - reserveMs / 2, longest),
  };
}
