import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';

/** The longest one delivery may take within a publish. */
const LONGEST_DELIVERY_MS = 5_000;
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
 * When a delivery that begins now has to stop. Posts that are under way at the end get the time that
 * posts take; what comes after the delivery has some too, unless there was little to begin with.
 */
export function deliveryTimes(limit: TimeLimit, p99Ms: number): DeliveryTimes {
  const leftMs = Math.min(LONGEST_DELIVERY_MS, timeLeftMs(limit));
  const endsAt = Date.now() + leftMs;
  const reserveMs = Math.min(Math.max(LEAST_RESERVE_MS, 2 * p99Ms), leftMs / 2);
  return { beginUntil: endsAt - reserveMs, cutAt: endsAt - reserveMs / 2 };
}
