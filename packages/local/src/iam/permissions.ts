import { type AccessDecision, decide } from './decide.js';
import { type LambdaPermission, mayInvoke, type ServiceInvocation } from './lambda-permission.js';
import type { AccessRequest } from './policy.js';
import type { Caller } from './role.js';

/** A call that was checked. */
export interface CheckedCall {
  readonly caller: Caller;
  readonly request: AccessRequest;
  readonly decision: AccessDecision;
}

/** Decides on the calls of a gateway's functions and roles, and remembers them. */
export class Permissions {
  readonly #calls: CheckedCall[] = [];

  /** Everything that was checked. */
  get calls(): readonly CheckedCall[] {
    return this.#calls;
  }

  check(caller: Caller, request: AccessRequest): AccessDecision {
    const decision = decide(caller, request);
    this.#calls.push({ caller, request, decision });
    return decision;
  }

  /** Whether a service may invoke a function by one of its Lambda permissions. */
  mayInvoke(permissions: readonly LambdaPermission[], invocation: ServiceInvocation): boolean {
    return mayInvoke(permissions, invocation) !== undefined;
  }
}
