import { withAnyConnection } from './allowing.js';
import { type AccessDecision, decide } from './decide.js';
import { InvokePermissions } from './invoke-permissions.js';
import type { LambdaPermission, ServiceInvocation } from './lambda-permission.js';
import { leastPolicy } from './least-policy.js';
import type { PolicyDocument } from './policy-document.js';
import type { Caller, Role } from './role.js';
import type { AccessRequest } from './statement.js';
import {
  addUse,
  type StatementUses,
  type UnusedStatement,
  unseenOf,
  unusedOf,
} from './statement-use.js';

/** A caller with a role. */
export type CallerWithRole = Caller & { readonly role: Role };

/** The calls of one action on one resource by one caller. Any connection is the same resource. */
export interface CountedCalls {
  readonly action: string;
  readonly resource: string;
  /** How many there were, refused or not. */
  readonly count: number;
  readonly refused: number;
  /** The last decision. */
  readonly decision: AccessDecision;
}

/** A caller, and what it called. */
export interface CallsOfCaller {
  readonly caller: CallerWithRole;
  readonly calls: readonly CountedCalls[];
}

/** A call that was refused. */
export interface Refusal {
  readonly caller: CallerWithRole;
  readonly action: string;
  readonly resource: string;
  readonly decision: AccessDecision;
  /** Whether the caller was not refused this action on this resource before. */
  readonly isFirst: boolean;
}

interface CallerRecord {
  readonly caller: CallerWithRole;
  /** By action and resource. */
  readonly calls: Map<string, CountedCalls>;
}

/** Most different calls of a caller that are remembered. */
const MAX_CALLS = 1_000;

/**
 * Decides on the calls of a gateway's functions and roles, and remembers those of callers with a role:
 * counted by action and resource.
 */
export class Permissions {
  /** By principal. */
  readonly #callers = new Map<string, CallerRecord>();
  /** By ARN of the role. */
  readonly #uses = new Map<string, StatementUses>();
  readonly #invocations = new InvokePermissions();
  readonly #listeners = new Set<(refusal: Refusal) => void>();
  #changes = 0;

  /** How often something was added or checked: what is known changes with it. */
  get changes(): number {
    return this.#changes;
  }

  /** Callers with a role, in the order in which they were added. */
  get callers(): readonly CallsOfCaller[] {
    return [...this.#callers.values()].map(({ caller, calls }) => ({
      caller,
      calls: [...calls.values()],
    }));
  }

  /** Makes a caller known before its first call. It replaces the role of one with the same principal. */
  add(caller: Caller): void {
    if (caller.role !== undefined) this.#recordOf({ ...caller, role: caller.role });
  }

  check(caller: Caller, request: AccessRequest): AccessDecision {
    const decision = decide(caller, request);
    const { role } = caller;
    if (role !== undefined) this.#remember({ ...caller, role }, request, decision);
    return decision;
  }

  /**
   * Whether a service may invoke a function by one of its Lambda permissions. Remembers the permissions
   * that allow it.
   */
  mayInvoke(permissions: readonly LambdaPermission[], invocation: ServiceInvocation): boolean {
    this.#changes += 1;
    return this.#invocations.check(permissions, invocation);
  }

  /** The Lambda permissions of invoked functions for their APIs that no invocation needed. */
  unusedInvokePermissions(): readonly LambdaPermission[] {
    return this.#invocations.unused();
  }

  /** Calls back for each refused call, until the returned function is called. */
  onRefusal(listener: (refusal: Refusal) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The statements of all roles that no call needed, wholly or in part. */
  unused(): UnusedStatement[] {
    return this.#roles.flatMap((role) => unusedOf(role, this.#usesOf(role)));
  }

  /** The actions in all roles that no call needed, but nothing here would see one that does; sorted. */
  unseen(): string[] {
    const actions = this.#roles.flatMap((role) => unseenOf(role, this.#usesOf(role)));
    return [...new Set(actions)].toSorted();
  }

  /**
   * The policy that allows what a caller called, and nothing else; also what was refused, but for what a
   * `Deny` always refused and what nobody knows the permissions of.
   *
   * @returns `undefined` if there is no such call
   */
  leastPolicy({ principal }: Pick<Caller, 'principal'>): PolicyDocument | undefined {
    const calls = [...(this.#callers.get(principal)?.calls.values() ?? [])];
    return leastPolicy(
      calls.filter(
        ({ count, refused, decision: { reason } }) =>
          refused < count || (reason !== 'denied' && reason !== 'unknown'),
      ),
    );
  }

  get #roles(): readonly Role[] {
    const roles = [...this.#callers.values()].map(({ caller: { role } }) => role);
    return [...new Map(roles.map((role) => [role.arn, role])).values()];
  }

  #remember(caller: CallerWithRole, request: AccessRequest, decision: AccessDecision): void {
    const { action } = request;
    const resource = withAnyConnection(request.resource);
    const { calls } = this.#recordOf(caller);
    const key = `${action} ${resource}`;
    const { count = 0, refused = 0 } = calls.get(key) ?? {};
    const isRemembered = count > 0 || calls.size < MAX_CALLS;
    if (isRemembered) {
      const more = { count: count + 1, refused: refused + (decision.isAllowed ? 0 : 1) };
      calls.set(key, { action, resource, decision, ...more });
      const uses = this.#usesOf(caller.role);
      for (const place of decision.statements) addUse(uses, place, { action, resource });
    }
    if (decision.isAllowed) return;
    const refusal = { caller, action, resource, decision, isFirst: isRemembered && refused === 0 };
    for (const listener of this.#listeners) listener(refusal);
  }

  #recordOf(caller: CallerWithRole): CallerRecord {
    const { calls = new Map<string, CountedCalls>() } = this.#callers.get(caller.principal) ?? {};
    const record = { caller, calls };
    this.#changes += 1;
    this.#callers.set(caller.principal, record);
    return record;
  }

  #usesOf({ arn }: Role): StatementUses {
    const uses: StatementUses = this.#uses.get(arn) ?? new WeakMap();
    this.#uses.set(arn, uses);
    return uses;
  }
}
