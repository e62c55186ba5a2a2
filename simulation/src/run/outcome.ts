import type { Violation } from '../check/violation.js';
import type { FaultCounts } from './adversary.js';

/** What happened in a run, in numbers. */
export interface Counts {
  /** Messages that clients published. */
  publishes: number;
  /** Further times that a message was sent. */
  resends: number;
  acknowledged: number;
  /** Pushes to connections. */
  pushes: number;
  /** Events that readers got, each once. */
  delivered: number;
  resets: number;
}

export function noCounts(): Counts {
  return { publishes: 0, resends: 0, acknowledged: 0, pushes: 0, delivered: 0, resets: 0 };
}

/** What a run was like. */
export interface Outcome {
  readonly violation?: Violation;
  readonly counts: Counts;
  readonly faults: FaultCounts;
  /** Names of the adversary's decisions, for shrinking. */
  readonly decisions: readonly string[];
  /** What happened, line by line, if it was asked for. */
  readonly story: readonly string[];
}
