/** Returns a random integer that is at least 0 and less than `below`. */
export type Draw = (below: number) => number;

/** Makes a generator that returns the same numbers for the same seed. */
export function drawFrom(seed: number): Draw {
  // A linear congruential generator. Its high bits are random enough for orders of calls.
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
