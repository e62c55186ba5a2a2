import { nameOfStatement } from '../../iam/decide.js';
import type { LambdaPermission } from '../../iam/lambda-permission.js';
import type { CallsOfCaller, CountedCalls, Permissions } from '../../iam/permissions.js';
import type { PolicyDocument, PolicyStatement } from '../../iam/policy-document.js';
import { type Explanation, explain } from '../../iam/refusal-text.js';
import { nameOf } from '../../iam/role.js';

/** The calls of one action on one resource. */
export interface ReportedCalls {
  readonly action: string;
  /** An ARN, with `*` in place of a connection id. */
  readonly resource: string;
  readonly count: number;
  readonly refused: number;
  /** Why the last one was refused. @default it was allowed */
  readonly refusal?: Explanation | undefined;
}

/** A function or a role, and what it called. */
export interface ReportedCaller {
  readonly name: string;
  readonly principal: string;
  /** The ARN of its role. */
  readonly role: string;
  readonly calls: readonly ReportedCalls[];
  /** What allows these calls and nothing else. @default nothing was called */
  readonly policy?: PolicyDocument | undefined;
}

/** A statement that no call needed. */
export interface ReportedStatement {
  /** `Statement[0] of "Policies[0]" of "ChatRole"` */
  readonly place: string;
  readonly statement: PolicyStatement;
  /** The actions and resources that no call needed. @default all of the statement */
  readonly parts?: readonly string[] | undefined;
}

/** What is known about the permissions of a gateway's functions and roles. */
export interface PermissionsReport {
  /** By name. Empty, if none has a role: then everything is allowed. */
  readonly callers: readonly ReportedCaller[];
  /** The statements of roles that called something. */
  readonly unused: readonly ReportedStatement[];
  /** Lambda permissions of invoked functions that no invocation needed. */
  readonly unusedInvokePermissions: readonly LambdaPermission[];
  /** The names of roles that called nothing. Their statements are not in `unused`. */
  readonly idleRoles: readonly string[];
  /** Actions in roles of which nothing here sees whether they are used, such as those of logs. */
  readonly unseenActions: readonly string[];
}

/** Reports what functions and roles called. */
export function permissionsReport(permissions: Permissions): PermissionsReport {
  const { callers } = permissions;
  const nameIn = uniqueNames(callers.map(({ caller: { principal } }) => principal));
  const unused = permissions.unused();
  const called = new Set(
    callers.flatMap(({ caller, calls }) => (calls.length === 0 ? [] : caller.role.arn)),
  );
  return {
    callers: callers
      .map(({ caller, calls }) => ({
        name: nameIn(caller.principal),
        principal: caller.principal,
        role: caller.role.arn,
        calls: calls.map((each) => reported(caller, each)),
        policy: permissions.leastPolicy(caller),
      }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    unused: unused
      .filter(({ role }) => called.has(role.arn))
      .map(({ policy, index, statement, parts }) => ({
        place: nameOfStatement({ policy, index }),
        statement,
        parts,
      })),
    unusedInvokePermissions: permissions.unusedInvokePermissions(),
    idleRoles: [...new Set(unused.map(({ role }) => role.arn))]
      .filter((arn) => !called.has(arn))
      .map(nameOf),
    unseenActions: permissions.unseen(),
  };
}

function reported(caller: CallsOfCaller['caller'], calls: CountedCalls): ReportedCalls {
  const { action, resource, count, refused, decision } = calls;
  const refusal = decision.isAllowed ? undefined : explain({ caller, action, resource, decision });
  return { action, resource, count, refused, refusal };
}

/** The name of a principal: its last part, or the last two if several have the same last one. */
function uniqueNames(principals: readonly string[]): (principal: string) => string {
  const last = principals.map(nameOf);
  return (principal) => {
    const name = nameOf(principal);
    const isUnique = last.indexOf(name) === last.lastIndexOf(name);
    return isUnique ? name : principal.split('/').slice(-2).join('/');
  };
}
