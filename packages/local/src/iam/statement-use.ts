import type { StatementPlace } from './decide.js';
import type { NeededCall } from './least-policy.js';
import { matchesPattern } from './pattern.js';
import type { PolicyStatement } from './policy-document.js';
import type { Policy, Role } from './role.js';

/** A statement with `Allow`, or a part of one, that no call needed. */
export interface UnusedStatement {
  readonly role: Role;
  readonly policy: Policy;
  /** Its index in `Statement`. */
  readonly index: number;
  readonly statement: PolicyStatement;
  /** Its actions and resources that no call needed. @default all of the statement */
  readonly parts?: readonly string[] | undefined;
}

/** The different calls that each statement of a policy decided. */
export type StatementUses = WeakMap<Policy, Map<number, Map<string, NeededCall>>>;

/** Remembers that a statement decided a call. */
export function addUse(
  uses: StatementUses,
  { policy, index }: StatementPlace,
  call: NeededCall,
): void {
  const ofPolicy = uses.get(policy) ?? new Map<number, Map<string, NeededCall>>();
  const calls = ofPolicy.get(index) ?? new Map<string, NeededCall>();
  calls.set(`${call.action} ${call.resource}`, call);
  uses.set(policy, ofPolicy.set(index, calls));
}

/**
 * The statements of a role's policies that allowed nothing, wholly or in part. A boundary and statements
 * with `Deny` are not among them: they are there for calls that should not happen.
 */
export function unusedOf(role: Role, uses: StatementUses): UnusedStatement[] {
  return role.policies.flatMap((policy) =>
    [policy.document.Statement].flat().flatMap((statement, index): UnusedStatement[] => {
      if (statement.Effect !== 'Allow') return [];
      const place = { role, policy, index, statement };
      const calls = uses.get(policy)?.get(index);
      if (calls === undefined) return [place];
      const parts = unusedParts(statement, [...calls.values()]);
      return parts.length === 0 ? [] : [{ ...place, parts }];
    }),
  );
}

function unusedParts(
  { Action = [], Resource = [] }: PolicyStatement,
  calls: readonly NeededCall[],
): string[] {
  const actions = calls.map(({ action }) => action.toLowerCase());
  const resources = calls.map(({ resource }) => resource);
  return [
    ...[Action].flat().filter((pattern) => !matchesAny(pattern.toLowerCase(), actions)),
    // What a variable stood for is not remembered.
    ...[Resource]
      .flat()
      .filter((pattern) => !pattern.includes('${') && !matchesAny(pattern, resources)),
  ];
}

function matchesAny(pattern: string, texts: readonly string[]): boolean {
  const reading = { wildcards: true, variables: undefined };
  return texts.some((text) => matchesPattern(pattern, text, reading));
}
