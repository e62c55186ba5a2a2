import { allowing } from './allowing.js';
import type { Refusal } from './permissions.js';
import { nameOf } from './role.js';

/**
 * Says who may not do what, why, and what to change. The last line is a statement as JSON, unless no
 * statement would help.
 */
export function refusalText({ caller, action, resource, decision }: Refusal): string {
  const { role, principal } = caller;
  const { reason, statements, problem } = decision;
  const what = `"${nameOf(principal)}" may not call ${action} on ${resource}`;
  if (reason === 'denied') {
    const [{ policy, index } = { policy: undefined, index: 0 }] = statements;
    return `${what}: Statement[${index}] of ${policy?.source ?? 'a policy'} denies it.`;
  }
  const { unknownPolicies = [], boundary } = role;
  const isBoundary = reason === 'boundary' && boundary !== undefined;
  const place = isBoundary ? boundary.source : `a policy of its role "${nameOf(role.arn)}"`;
  return [
    `${what}.`,
    ...(problem === undefined ? [] : [`It cannot be evaluated here, so it refuses: ${problem}.`]),
    ...(unknownPolicies.length === 0
      ? []
      : [`What is not known here allows nothing: ${unknownPolicies.join(', ')}.`]),
    `This statement in ${place} would allow it:`,
    JSON.stringify(allowing({ action, resource })),
  ].join('\n');
}
