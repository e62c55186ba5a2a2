import { createHash } from 'node:crypto';

/** Number of slices that ids of connections are hashed to. */
const SLICES = 65_536;

/**
 * The sort key of a subscriber in its channel: four hexadecimal digits, which are the first 16 bits of
 * the SHA-256 of its id, then its id. API Gateway's ids begin with a time, so without the hash all new
 * subscribers would be at one end.
 */
export function sliceKey(connectionId: string): string {
  return createHash('sha256').update(connectionId).digest('hex').slice(0, 4) + connectionId;
}

/** The connection's id in a {@link sliceKey}. */
export function idOfSliceKey(key: string): string {
  return key.slice(4);
}

/**
 * The slice of a connection, as a fraction: 0 ≤ slice < 1. It is part of the contract, so all stores use
 * the same.
 */
export function sliceOf(connectionId: string): number {
  return Number.parseInt(sliceKey(connectionId).slice(0, 4), 16) / SLICES;
}

/**
 * The first key of the slice that begins at a fraction. The keys of a range begin at that of `from` and
 * end before that of `to`. `undefined` for a fraction of 1 or more, because all keys are before it. Less
 * than 0 counts as 0.
 */
export function sliceStart(fraction: number): string | undefined {
  const slice = Math.max(0, Math.round(fraction * SLICES));
  return slice >= SLICES ? undefined : slice.toString(16).padStart(4, '0');
}
