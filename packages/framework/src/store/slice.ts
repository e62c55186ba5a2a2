import { createHash } from 'node:crypto';

/** Into how many slices the ids of connections are hashed. */
const SLICES = 65_536;

/**
 * Under which key a subscriber lies in its channel: four hexadecimal digits of a hash, then its id.
 * Ids of API Gateway begin with a clock, so without the hash all new subscribers would lie at one end.
 * The digits are the first 16 bits of the id's SHA-256.
 */
export function sliceKey(connectionId: string): string {
  return createHash('sha256').update(connectionId).digest('hex').slice(0, 4) + connectionId;
}

/** The id of the connection that lies under a {@link sliceKey}. */
export function idOfSliceKey(key: string): string {
  return key.slice(4);
}

/** Where a connection lies among all, as a fraction: 0 ≤ slice < 1. Part of the contract: all stores agree. */
export function sliceOf(connectionId: string): number {
  return Number.parseInt(sliceKey(connectionId).slice(0, 4), 16) / SLICES;
}

/**
 * The first key of the slice that begins at a fraction, for the bounds of a range: its keys are at or
 * after that of `from` and before that of `to`. `undefined` for a fraction of 1 or more, where no key
 * lies. Less than 0 counts as 0.
 */
export function sliceStart(fraction: number): string | undefined {
  const slice = Math.max(0, Math.round(fraction * SLICES));
  return slice >= SLICES ? undefined : slice.toString(16).padStart(4, '0');
}
