import type { PolicyDocument } from './policy-document.js';

/** An IAM policy, and where it is written. @group Access and identity */
export interface Policy {
  /** For messages, such as `"Policies[0]" of "ChatRole"`. */
  readonly source: string;
  readonly document: PolicyDocument;
  /** Whether it is a policy of AWS, which nobody else can change. @default false */
  readonly isOfAws?: boolean | undefined;
}

/** An IAM role: what its policies allow. @group Access and identity */
export interface Role {
  /** `arn:aws:iam::123456789012:role/Chat` */
  readonly arn: string;
  readonly policies: readonly Policy[];
  /** Who may assume it, as `AssumeRolePolicyDocument` says. @default everybody */
  readonly trust?: { readonly source: string; readonly document: unknown } | undefined;
  /** A policy that has to allow each call, too. @default none */
  readonly boundary?: Policy | undefined;
  /**
   * The ARNs of managed policies whose content is not known here. What only they allow is refused.
   *
   * @default none
   */
  readonly unknownPolicies?: readonly string[] | undefined;
}

/** Who calls: the role, in a session of its own. */
export interface Caller {
  /** `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`; Lambda's session is the function's name. */
  readonly principal: string;
  /** @default everything is allowed */
  readonly role?: Role | undefined;
}

/** The principal that is in a session of a role. */
export function sessionOf(roleArn: string, session: string): string {
  const [, partition, , , accountId, path = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${accountId}:assumed-role/${path.split('/').at(-1)}/${session}`;
}

/** The ARN of the role of a session; `undefined` for anybody else. */
export function roleArnOf(principal: string): string | undefined {
  const [, partition, accountId, role] =
    /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(principal) ?? [];
  return role === undefined ? undefined : `arn:${partition}:iam::${accountId}:role/${role}`;
}

/** The session of API Gateway in a role, as records of CloudTrail name it. */
export const API_GATEWAY_SESSION = 'BackplaneAssumeRoleSession';

/**
 * The name at the end of a principal or of a role's ARN: that of the function or the role. API Gateway is
 * called by its role.
 */
export function nameOf(arn: string): string {
  const [last = arn, role = last] = arn.split('/').toReversed();
  return last === API_GATEWAY_SESSION ? role : last;
}
