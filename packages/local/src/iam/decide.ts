import { type AccessRequest, evaluatePolicy } from './policy.js';
import type { Caller, Policy } from './role.js';

/** A statement of a policy. */
export interface StatementPlace {
  readonly policy: Policy;
  /** Its index in `Statement`. */
  readonly index: number;
}

/** What the policies of a role say to a call. */
export interface AccessDecision {
  readonly isAllowed: boolean;
  /** `denied`: by a statement with `Deny`. `boundary`: the boundary does not allow it. */
  readonly reason: 'allowed' | 'not allowed' | 'denied' | 'boundary';
  /** The statements that allow the call, or those that deny it. */
  readonly statements: readonly StatementPlace[];
  /** Why a policy could not be evaluated, so that it allows nothing. @default all could be */
  readonly problem?: string | undefined;
}

/** Decides on a call. A caller without a role may do everything. */
export function decide({ role }: Caller, request: AccessRequest): AccessDecision {
  const decisions = role?.policies.map(({ document }) => evaluatePolicy(document, request)) ?? [];
  const isAllowed = role === undefined || decisions.includes('allow');
  return { isAllowed, reason: isAllowed ? 'allowed' : 'not allowed', statements: [] };
}
