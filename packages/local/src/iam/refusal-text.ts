import { allowing } from './allowing.js';
import { nameOfStatement } from './decide.js';
import type { Refusal } from './permissions.js';
import type { PolicyStatement } from './policy-document.js';
import { nameOf } from './role.js';

/** What is wrong with a refused call. */
export interface Explanation {
  /** Who may not call what, and why. */
  readonly text: string;
  /** The statement that would allow it, where the end of `text` says. @default none would */
  readonly statement?: PolicyStatement | undefined;
}

/** Explains a refused call, except for whether it is the first one. */
export function explain({
  caller: { role, principal },
  action,
  resource,
  decision: { reason, statements, problem },
}: Omit<Refusal, 'isFirst'>): Explanation {
  const what = `"${nameOf(principal)}" may not call ${action} on ${resource}`;
  const [denying] = statements;
  if (reason === 'denied') {
    const place = denying && nameOfStatement(denying);
    return { text: `${what}: ${place ?? 'a policy'} denies it.` };
  }
  if (reason === 'unknown') return { text: `${what}: ${problem}.` };
  const { unknownPolicies = [], boundary } = role;
  const isBoundary = reason === 'boundary' && boundary !== undefined;
  const place = isBoundary ? boundary.source : `a policy of its role "${nameOf(role.arn)}"`;
  const text = [
    `${what}.`,
    ...(problem === undefined ? [] : [`It cannot be evaluated here, so it refuses: ${problem}.`]),
    ...(unknownPolicies.length === 0
      ? []
      : [`What is not known here allows nothing: ${unknownPolicies.join(', ')}.`]),
    `This statement in ${place} would allow it:`,
  ];
  return { text: text.join('\n'), statement: allowing({ action, resource }) };
}

/** The explanation with the statement as JSON in its last line. */
export function refusalText(refusal: Omit<Refusal, 'isFirst'>): string {
  const { text, statement } = explain(refusal);
  return statement === undefined ? text : `${text}\n${JSON.stringify(statement)}`;
}
