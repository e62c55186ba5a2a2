import { mayBeKnown } from './keys.js';
import { isObject } from './outcome.js';
import type { PolicyDocument } from './policy-document.js';
import {
  type AccessRequest,
  applies,
  type PolicyKind,
  problemWithStatement,
  type StatementContext,
  textsOf,
} from './statement.js';

/** The result of a policy for one action on one resource. */
export type Decision = 'allow' | 'deny' | { readonly problem: string };

/** By what a policy is checked. */
type Rules = Pick<StatementContext, 'kind' | 'isKnown'>;

/** What cannot be evaluated in a policy. */
export interface PolicyProblem {
  /** The index of the statement. @default it is about the whole policy */
  readonly index?: number | undefined;
  /** The end of a sentence about the statement or the policy. */
  readonly problem: string;
}

const documentElements = new Set(['Version', 'Id', 'Statement']);
const VERSION_WITH_VARIABLES = '2012-10-17';
const versions: readonly unknown[] = [undefined, '2008-10-17', VERSION_WITH_VARIABLES];

/**
 * Evaluates the policy of an authorizer: a matching `Deny` wins over a matching `Allow`, and without either
 * the result is deny (row 4.5). A policy with a problem never allows anything.
 */
export function evaluatePolicy(document: unknown, request: AccessRequest): Decision {
  const isKnown = (name: string) => request.keys.has(name.toLowerCase());
  const problem = problemWithPolicy(document, { kind: 'api-gateway', isKnown });
  if (problem !== undefined) return { problem };
  const context = { ...contextOf(document, 'api-gateway'), isKnown };
  const effects = statementsOf(document)
    .filter((statement) => applies(statement, request, context) === true)
    .map((statement) => isObject(statement) && statement['Effect']);
  return effects.includes('Allow') && !effects.includes('Deny') ? 'allow' : 'deny';
}

/** The first of the problems of a policy, as a sentence about "its policy"; `undefined` without any. */
export function problemWithPolicy(document: unknown, rules?: Rules): string | undefined {
  const [first] = problemsWithPolicy(document, rules);
  if (!first) return undefined;
  const place = first.index === undefined ? '' : `Statement[${first.index}] of `;
  return `${place}its policy ${first.problem}`;
}

/**
 * Why a policy, or statements of it, cannot be evaluated: they are malformed, or have something that is not
 * supported here, such as a condition key whose value is not known.
 *
 * @param rules default: those of a role's policy before a request
 */
export function problemsWithPolicy(
  document: unknown,
  { kind, isKnown }: Rules = { kind: 'identity', isKnown: mayBeKnown },
): PolicyProblem[] {
  const problem = problemWithDocument(document);
  if (problem !== undefined) return [{ problem }];
  const context = { ...contextOf(document, kind), isKnown };
  return statementsOf(document).flatMap((statement, index) => {
    const found = problemWithStatement(statement, context);
    return found === undefined ? [] : [{ index, problem: found }];
  });
}

/** Why a policy cannot be evaluated, apart from its statements. */
export function problemWithDocument(document: unknown): string | undefined {
  if (!isObject(document) || statementsOf(document).length === 0) return 'has no "Statement"';
  const unknown = Object.keys(document).find((element) => !documentElements.has(element));
  if (unknown !== undefined) return `has the element "${unknown}", which is not supported here`;
  return versions.includes(document['Version'])
    ? undefined
    : 'has a "Version" that is neither "2012-10-17" nor "2008-10-17"';
}

/** What the statements of a policy are read with. */
export function contextOf(
  document: unknown,
  kind: PolicyKind,
): Pick<StatementContext, 'kind' | 'hasVariables'> {
  return {
    kind,
    hasVariables: isObject(document) && document['Version'] === VERSION_WITH_VARIABLES,
  };
}

/** One statement, or a list. */
export function statementsOf(document: unknown): unknown[] {
  return isObject(document) ? [document['Statement'] ?? []].flat() : [];
}

/** The resources in all statements of a policy without a problem. */
export function resourcesOf(document: unknown): string[] {
  const { Statement } = document as PolicyDocument;
  return [Statement]
    .flat()
    .flatMap(({ Resource, NotResource }) => [...textsOf(Resource), ...textsOf(NotResource)]);
}
