import { isObject } from './outcome.js';
import { contextOf, problemWithDocument, statementsOf } from './policy.js';
import type { Caller, Policy } from './role.js';
import { type AccessRequest, applies } from './statement.js';

/** A statement of a policy. */
export interface StatementPlace {
  readonly policy: Policy;
  /** Its index in `Statement`. */
  readonly index: number;
}

/** What the policies of a role say to a call. */
export interface AccessDecision {
  readonly isAllowed: boolean;
  /**
   * `denied`: by a statement with `Deny`. `boundary`: the role's policies allow it, but its boundary does
   * not. `unknown`: nobody knows here what the call needs, so that no statement can allow it.
   */
  readonly reason: 'allowed' | 'not allowed' | 'denied' | 'boundary' | 'unknown';
  /** The statements of the role's policies that allow the call, or all those that deny it. */
  readonly statements: readonly StatementPlace[];
  /**
   * What could not be evaluated, and would have decided, such as `Statement[0] of "ChatPolicy" has the
   * condition key …`: the call is refused, but perhaps not on AWS.
   *
   * @default everything that decides could be evaluated
   */
  readonly problem?: string | undefined;
}

/** What several policies say to a call. */
interface Findings {
  readonly allows: StatementPlace[];
  readonly denies: StatementPlace[];
  /** Problems of what may allow the call, and of what may deny it. */
  readonly mayAllow: string[];
  readonly mayDeny: string[];
}

/**
 * Decides on a call as IAM does: a `Deny` in any policy wins, then one of the role's policies has to allow
 * it, and its boundary, too (Policy evaluation logic). What cannot be evaluated never allows a call, and a
 * call that it may deny is refused. A caller without a role may do everything.
 */
export function decide({ role }: Caller, request: AccessRequest): AccessDecision {
  if (!role) return { isAllowed: true, reason: 'allowed', statements: [] };
  if (request.problem !== undefined) return refusal('unknown', request.problem);
  const found = findingsOf(role.policies, request);
  const limits = findingsOf(role.boundary ? [role.boundary] : [], request);
  const statements = [...found.denies, ...limits.denies];
  if (statements.length > 0) return { isAllowed: false, reason: 'denied', statements };
  if (found.allows.length === 0) return refusal('not allowed', found.mayAllow[0]);
  if (role.boundary && limits.allows.length === 0) return refusal('boundary', limits.mayAllow[0]);
  const [mayDeny] = [...found.mayDeny, ...limits.mayDeny];
  if (mayDeny !== undefined) return refusal('not allowed', mayDeny);
  return { isAllowed: true, reason: 'allowed', statements: found.allows };
}

/** How messages name a statement: `Statement[0] of "Policies[0]" of "ChatRole"`. */
export function nameOfStatement({ policy, index }: StatementPlace): string {
  return `Statement[${index}] of ${policy.source}`;
}

function refusal(
  reason: 'not allowed' | 'boundary' | 'unknown',
  problem: string | undefined,
): AccessDecision {
  return { isAllowed: false, reason, statements: [], problem };
}

function findingsOf(policies: readonly Policy[], request: AccessRequest): Findings {
  const findings: Findings = { allows: [], denies: [], mayAllow: [], mayDeny: [] };
  for (const policy of policies) {
    const wrong = problemWithDocument(policy.document);
    if (wrong !== undefined) {
      const problem = `${policy.source} ${wrong}`;
      findings.mayAllow.push(problem);
      findings.mayDeny.push(problem);
    } else {
      findIn(policy, request, findings);
    }
  }
  return findings;
}

function findIn(policy: Policy, request: AccessRequest, findings: Findings): void {
  const isKnown = (name: string) => request.keys.has(name.toLowerCase());
  const context = { ...contextOf(policy.document, 'identity'), isKnown };
  for (const [index, statement] of statementsOf(policy.document).entries()) {
    const outcome = applies(statement, request, context);
    const place = { policy, index };
    const effect = isObject(statement) ? statement['Effect'] : undefined;
    if (outcome === true) {
      findings[effect === 'Allow' ? 'allows' : 'denies'].push(place);
    } else if (outcome !== false) {
      const problem = `${nameOfStatement(place)} ${outcome.problem}`;
      if (effect !== 'Deny') findings.mayAllow.push(problem);
      if (effect !== 'Allow') findings.mayDeny.push(problem);
    }
  }
}
