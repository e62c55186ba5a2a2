import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';

/**
 * The longest one delivery may take within a publish: a function behind an API has to answer within 29 s
 * (Amazon API Gateway quotas).
 */
const LONGEST_DELIVERY_MS = 25_000;
/** Part at the end of that for posts that are still running, in milliseconds. */
const LAST_POSTS_MS = 250;
/** Least time to leave at the end of an invocation for work after the delivery, in milliseconds. */
const LEAST_RESERVE_MS = 500;

/** When a delivery has to stop, in milliseconds since 1970. */
export interface DeliveryTimes {
  /** When the last post or read may begin. */
  readonly beginUntil: number;
  /** When running posts and reads are aborted. */
  readonly cutAt: number;
}

/**
 * When a delivery that begins now has to stop. Near the end of an invocation, it reserves the usual time
 * of a post twice: once for its last posts, and once for work after the delivery. It never reserves more
 * than half of the time left.
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
