import type { AccessDecision } from '../../../src/iam/decide.js';

/** `unknown`: the call is refused, and what could not be evaluated is named. */
export type Expected = AccessDecision['reason'] | 'unknown';

/** Elements of a statement; those that are missing allow `dynamodb:PutItem` on everything. */
export type Elements = Readonly<Record<string, unknown>>;

/** What differs from a call of `dynamodb:PutItem` on the table `Chat`. */
export interface Asked {
  readonly action?: string;
  readonly resource?: string;
  readonly keys?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A role with more than one statement. */
export interface Policies {
  readonly policies: readonly (readonly Elements[])[];
  readonly boundary?: readonly Elements[];
  readonly Version?: string | undefined;
}

/** What the documentation says, in other words, and what follows from it. */
export interface Fact {
  /** The title of a page of the IAM user guide, or another page with its guide. */
  readonly page: string;
  readonly says: string;
  readonly cases: readonly (readonly [
    given: Elements | Policies,
    expected: Expected,
    asked?: Asked,
  ])[];
}

/** A statement with a condition. */
export function when(operator: string, key: string, value: unknown): Elements {
  return { Condition: { [operator]: { [key]: value } } };
}
