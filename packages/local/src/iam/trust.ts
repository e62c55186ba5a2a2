import { isObject, type Outcome } from './outcome.js';
import { contextOf, type Decision, problemWithDocument, statementsOf } from './policy.js';
import { applies } from './statement.js';

/**
 * Whether the trust policy of a role (`AssumeRolePolicyDocument`) lets a service assume the role. What cannot
 * be evaluated never does.
 *
 * @param service such as `lambda.amazonaws.com`. Which condition keys a service gives is not known, so a
 * condition cannot be evaluated.
 */
export function mayAssume(document: unknown, service: string): Decision {
  const wrong = problemWithDocument(document);
  if (wrong !== undefined) return { problem: `its trust policy ${wrong}` };
  const context = { ...contextOf(document, 'identity'), isKnown: () => false };
  const request = { action: 'sts:AssumeRole', resource: '*', keys: new Map<string, undefined>() };
  const outcomes = statementsOf(document).map((statement, index) => ({
    effect: isObject(statement) ? statement['Effect'] : undefined,
    outcome: trusts(statement, service, (rest) => applies(rest, request, context)),
    place: `Statement[${index}] of its trust policy`,
  }));
  const is = (wanted: 'Allow' | 'Deny') =>
    outcomes.some(({ effect, outcome }) => effect === wanted && outcome === true);
  if (is('Deny')) return 'deny';
  // A statement that may allow it does not matter if another one does.
  const undecided = outcomes.filter(({ effect }) => effect !== 'Allow' || !is('Allow'));
  for (const { outcome, place } of undecided) {
    if (typeof outcome === 'object') return { problem: `${place} ${outcome.problem}` };
  }
  return is('Allow') ? 'allow' : 'deny';
}

/** Whether a statement is about a service: it has a principal, but no resource. */
function trusts(statement: unknown, service: string, matches: (rest: unknown) => Outcome): Outcome {
  if (!isObject(statement)) return matches(statement);
  const { Principal, ...rest } = statement;
  if (Principal === undefined && rest['NotPrincipal'] === undefined) {
    return { problem: 'has no "Principal"' };
  }
  if (
    Principal !== undefined &&
    !servicesIn(Principal).some((name) => ['*', service].includes(name))
  ) {
    return false;
  }
  if ('Resource' in rest || 'NotResource' in rest) return { problem: 'has a "Resource"' };
  return matches({ ...rest, Resource: '*' });
}

/** The services of a principal; `*` is everybody. */
function servicesIn(principal: unknown): string[] {
  if (!isObject(principal)) return principal === '*' ? ['*'] : [];
  const { Service, AWS } = principal;
  const everybody = [AWS].flat().includes('*') ? ['*'] : [];
  return [...everybody, ...[Service].flat().filter((name) => typeof name === 'string')];
}
