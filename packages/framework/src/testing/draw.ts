/** A random integer from 0 on and below a bound. */
export type Draw = (below: number) => number;

/** Draws the same numbers for the same seed. */
export function drawFrom(seed: number): Draw {
  // A linear congruential generator: its high bits are random enough for orders of calls.
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
