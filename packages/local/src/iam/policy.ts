import {
  isKnownKey,
  isObject,
  isTrue,
  problemWithCondition,
  textsOfCondition,
} from './conditions.js';
import { matchesPattern, type Variables, variablesIn } from './pattern.js';
import type { PolicyDocument, PolicyStatement } from './policy-document.js';

/** The result of a policy for one action on one resource. */
export type Decision = 'allow' | 'deny' | { readonly problem: string };

/** A call that needs a permission. */
export interface AccessRequest {
  /** Such as `dynamodb:PutItem`. */
  readonly action: string;
  /** The ARN. */
  readonly resource: string;
  /** The condition keys. */
  readonly keys: Variables;
}

const documentElements = new Set(['Version', 'Id', 'Statement']);
const statementElements = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
const VERSION_WITH_VARIABLES = '2012-10-17';
const versions: readonly unknown[] = [undefined, '2008-10-17', VERSION_WITH_VARIABLES];

/**
 * Evaluates the policy of an authorizer or of an access key: a matching `Deny` wins over a matching
 * `Allow`, and without either the result is deny (row 4.5). `*` matches any characters including slashes,
 * and `?` matches one (row 4.6). A policy with a problem never allows anything.
 */
export function evaluatePolicy(document: unknown, question: AccessRequest): Decision {
  const problem = problemWithPolicy(document);
  if (problem !== undefined) return { problem };
  const { Version, Statement } = document as PolicyDocument;
  const hasVariables = Version === VERSION_WITH_VARIABLES;
  const { keys } = question;
  const effects = [Statement]
    .flat()
    .filter((statement) => applies(statement, question, { keys, hasVariables }))
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny') ? 'allow' : 'deny';
}

function applies(
  { Action, NotAction, Resource, NotResource, Condition = {} }: PolicyStatement,
  { action, resource }: AccessRequest,
  { keys, hasVariables }: { readonly keys: Variables; readonly hasVariables: boolean },
): boolean {
  const isAction = (pattern: string) =>
    matchesPattern(pattern.toLowerCase(), action.toLowerCase(), {
      wildcards: true,
      variables: undefined,
    });
  const isResource = (pattern: string) =>
    matchesPattern(pattern, resource, {
      wildcards: true,
      variables: hasVariables ? keys : undefined,
    });
  return (
    (NotAction === undefined ? texts(Action).some(isAction) : !texts(NotAction).some(isAction)) &&
    (NotResource === undefined
      ? texts(Resource).some(isResource)
      : !texts(NotResource).some(isResource)) &&
    isTrue(Condition, keys, { hasVariables })
  );
}

/**
 * Why a policy cannot be evaluated: it is malformed, or it has something that is not supported here, such
 * as a condition key whose value the gateway does not know.
 */
export function problemWithPolicy(document: unknown): string | undefined {
  const statements = isObject(document) ? [document['Statement'] ?? []].flat() : [];
  if (!isObject(document) || statements.length === 0) return 'its policy has no "Statement"';
  const unknown = Object.keys(document).find((element) => !documentElements.has(element));
  if (unknown !== undefined) return unsupported(unknown);
  const { Version } = document;
  if (!versions.includes(Version)) {
    return `the "Version" of its policy is neither "2012-10-17" nor "2008-10-17"`;
  }
  const hasVariables = Version === VERSION_WITH_VARIABLES;
  return statements
    .map((statement) => problemWithStatement(statement, hasVariables))
    .find((problem) => problem !== undefined);
}

function problemWithStatement(statement: unknown, hasVariables: boolean): string | undefined {
  if (!isObject(statement)) return 'a statement of its policy is not an object';
  const unknown = Object.keys(statement).find((element) => !statementElements.has(element));
  if (unknown !== undefined) return unsupported(unknown);
  const { Sid, Effect, Condition: condition = {} } = statement;
  if (Sid !== undefined && typeof Sid !== 'string') return 'a "Sid" of its policy is not a string';
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    return 'the "Effect" of a statement of its policy is neither "Allow" nor "Deny"';
  }
  const { Resource, NotResource } = statement;
  const variables = [textsOfCondition(condition), texts(Resource), texts(NotResource)]
    .flat()
    .flatMap(variablesIn);
  const strange = hasVariables ? variables.find((name) => !isKnownKey(name)) : undefined;
  if (strange !== undefined) {
    return `its policy has the variable "\${${strange}}", whose value is not known here`;
  }
  return (
    problemWithTexts(statement, 'Action') ??
    problemWithTexts(statement, 'Resource') ??
    problemWithCondition(condition, hasVariables)
  );
}

/** The resources in all statements of a policy without a problem. */
export function resourcesOf(document: unknown): string[] {
  const { Statement } = document as PolicyDocument;
  return [Statement]
    .flat()
    .flatMap(({ Resource, NotResource }) => [...texts(Resource), ...texts(NotResource)]);
}

/** Checks `Action` and `NotAction`, or `Resource` and `NotResource`. */
function problemWithTexts(
  statement: Readonly<Record<string, unknown>>,
  element: 'Action' | 'Resource',
): string | undefined {
  const present = [element, `Not${element}`].filter((name) => statement[name] !== undefined);
  const [name] = present;
  if (name === undefined) return `a statement of its policy has no "${element}"`;
  if (present.length > 1) {
    return `a statement of its policy has both "${element}" and "Not${element}"`;
  }
  const values: unknown[] = [statement[name]].flat();
  return values.length > 0 && values.every((value) => typeof value === 'string')
    ? undefined
    : `the "${name}" of a statement of its policy is neither a string nor a list of strings`;
}

function unsupported(element: string): string {
  return `its policy has the element "${element}", which is not supported here`;
}

function texts(value: unknown): string[] {
  return [value].flat().filter((text) => typeof text === 'string');
}
