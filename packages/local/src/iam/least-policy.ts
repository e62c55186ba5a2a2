import type { PolicyDocument } from './policy-document.js';

/** A call that a policy has to allow. */
export interface NeededCall {
  readonly action: string;
  readonly resource: string;
}

/**
 * The policy that allows these calls and nothing else. Resources with the same actions share a statement;
 * everything is sorted, so that equal calls give equal documents.
 *
 * @returns `undefined` without a call, because a document needs a statement
 */
export function leastPolicy(calls: readonly NeededCall[]): PolicyDocument | undefined {
  if (calls.length === 0) return undefined;
  const actions = grouped(calls.map(({ action, resource }) => [resource, action]));
  const sorted = [...actions].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const resources = grouped(sorted.map(([resource, list]) => [list.join('\n'), resource]));
  const statements = [...resources].map(([list, shared]) => ({
    Effect: 'Allow' as const,
    Action: oneOrAll(list.split('\n')),
    Resource: oneOrAll(shared),
  }));
  return { Version: '2012-10-17', Statement: statements };
}

/** The different values of each key, sorted. */
function grouped(pairs: readonly (readonly [key: string, value: string])[]): Map<string, string[]> {
  const groups = new Map<string, Set<string>>();
  for (const [key, value] of pairs) groups.set(key, (groups.get(key) ?? new Set()).add(value));
  return new Map([...groups].map(([key, values]) => [key, [...values].toSorted()]));
}

function oneOrAll(list: string[]): string | string[] {
  const [first] = list;
  return list.length === 1 && first !== undefined ? first : list;
}
