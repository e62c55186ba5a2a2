import type { LocalGateway } from '../start-gateway.js';

/**
 * Uses an API as its clients do, and throws an error if something is not as it should be. The signal is
 * aborted when the gateway ends, so that clients which connect again can be closed.
 */
export type Session = (
  gateway: LocalGateway,
  options: { readonly signal: AbortSignal },
) => Promise<void>;

/** What happened while a session ran. */
export interface Observation {
  /** Why the session failed. @default it did not */
  readonly failure?: string | undefined;
  /** Calls that IAM refused, with their resources and callers. */
  readonly refused: readonly string[];
  /** Routes with their results: `$connect ok`. */
  readonly results: readonly string[];
  /** How many items the tables have in the end. */
  readonly items: number;
  /** The longest time in which nothing happened in the gateway, in milliseconds. */
  readonly longestWaitMs: number;
}

/** How a session, or the gateway while it ran, has noticed a mutant; `undefined` if neither has. */
export function noticed(mutant: Observation, original: Observation): string | undefined {
  return noticedForGood(mutant, original) ?? noticedUntilNow(mutant, original);
}

/** Whether no later observation of the same run can be noticed differently. */
export function isDecided(mutant: Observation, original: Observation): boolean {
  return (
    noticedForGood(mutant, original) !== undefined ||
    noticedUntilNow(mutant, original) === undefined
  );
}

function noticedForGood(mutant: Observation, original: Observation): string | undefined {
  if (mutant.failure !== undefined) return `the session: ${mutant.failure}`;
  const [refused] = mutant.refused.filter((each) => !original.refused.includes(each));
  if (refused !== undefined) return `IAM: refused ${refused}`;
  const added = mutant.results.find((result) => !original.results.includes(result));
  return added && `the gateway: ${added}`;
}

function noticedUntilNow(mutant: Observation, original: Observation): string | undefined {
  const missing = original.results.find((result) => !mutant.results.includes(result));
  if (missing !== undefined) return `the gateway: no ${missing}`;
  if (mutant.items === original.items) return undefined;
  return `the tables: ${mutant.items} items in place of ${original.items}`;
}
