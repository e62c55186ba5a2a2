/** How to shorten the outcomes of a frame's channels. */
export interface Shortening<T> {
  /** Bytes of an outcome in the frame. */
  readonly bytesOf: (outcome: T) => number;
  /** Makes an outcome shorter, if it can be. */
  readonly shorten: (outcome: T) => void;
}

/**
 * Shortens the longest outcomes of a frame until all fit into it, so that one channel with much to say does not cost
 * the others theirs.
 */
export function fitOutcomes<T>(
  outcomes: readonly T[],
  room: number,
  { bytesOf, shorten }: Shortening<T>,
): void {
  const sized = outcomes.map((outcome) => ({ outcome, bytes: bytesOf(outcome) }));
  let total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { outcome, bytes } of sized.toSorted((a, b) => b.bytes - a.bytes)) {
    if (total <= room) return;
    shorten(outcome);
    total += bytesOf(outcome) - bytes;
  }
}
