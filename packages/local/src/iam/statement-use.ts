import type { StatementPlace } from './decide.js';
import type { NeededCall } from './least-policy.js';
import { matchesPattern, type Wildcards } from './pattern.js';
import type { PolicyStatement } from './policy-document.js';
import type { Policy, Role } from './role.js';
import { isSeen } from './seen.js';
import { textsOf } from './statement.js';

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
 * The statements of a role's policies that allowed nothing, wholly or in part. Those with actions that
 * nothing here would see are not among them; nor are a boundary and statements with `Deny`, which are there
 * for calls that should not happen.
 */
export function unusedOf(role: Role, uses: StatementUses): UnusedStatement[] {
  return allowsOf(role).flatMap(({ policy, index, statement }): UnusedStatement[] => {
    const actions = textsOf(statement.Action);
    const place = { role, policy, index, statement };
    const calls = [...(uses.get(policy)?.get(index)?.values() ?? [])];
    if (calls.length === 0 && actions.every(isSeen)) return [place];
    // Nobody can take a part out of a policy of AWS.
    const parts = policy.isOfAws === true ? [] : unusedParts(statement, calls);
    return parts.length === 0 ? [] : [{ ...place, parts }];
  });
}

/** The actions of a role's policies that no call needed, but nothing here would see one that does. */
export function unseenOf(role: Role, uses: StatementUses): string[] {
  return allowsOf(role).flatMap(({ policy, index, statement }) => {
    const called = [...(uses.get(policy)?.get(index)?.values() ?? [])].map(({ action }) => action);
    return unusedIn(textsOf(statement.Action), called).filter((action) => !isSeen(action));
  });
}

/** A template may have anything in the place of a statement. */
function allowsOf({
  policies,
}: Role): (StatementPlace & { readonly statement: PolicyStatement })[] {
  return policies.flatMap((policy) =>
    [policy.document.Statement as readonly (PolicyStatement | null | undefined)[]]
      .flat()
      .flatMap((statement, index) =>
        statement?.Effect === 'Allow' ? [{ policy, index, statement }] : [],
      ),
  );
}

function unusedParts(
  { Action, Resource }: PolicyStatement,
  calls: readonly NeededCall[],
): readonly string[] {
  const actions = textsOf(Action);
  const called = calls.map(({ action }) => action);
  const unused = unusedIn(actions, called).filter(isSeen);
  if (!actions.every(isSeen)) return unused;
  const resources = calls.map(({ resource }) => resource);
  return [
    ...unused,
    // What a variable stood for is not remembered.
    ...textsOf(Resource).filter(
      (pattern) => !pattern.includes('${') && !matchesAny(pattern, resources, 'resource'),
    ),
  ];
}

/** The actions of a statement that match none of those that were called. */
function unusedIn(actions: readonly string[], called: readonly string[]): readonly string[] {
  const texts = called.map((action) => action.toLowerCase());
  return actions.filter((pattern) => !matchesAny(pattern.toLowerCase(), texts, 'text'));
}

function matchesAny(pattern: string, texts: readonly string[], wildcards: Wildcards): boolean {
  const reading = { wildcards, variables: undefined };
  return texts.some((text) => matchesPattern(pattern, text, reading));
}
