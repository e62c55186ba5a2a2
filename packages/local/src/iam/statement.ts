import { type Context, isTrue, problemWithCondition, problemWithVariables } from './conditions.js';
import type { Keys } from './keys.js';
import { every, isObject, type Outcome } from './outcome.js';
import { matchesPattern } from './pattern.js';

/** A call that needs a permission. */
export interface AccessRequest {
  /** Such as `dynamodb:PutItem`. */
  readonly action: string;
  /** The ARN. */
  readonly resource: string;
  /** The condition keys. */
  readonly keys: Keys;
  /**
   * Why it is not known which permissions the call needs: it is refused.
   *
   * @default it needs the action on the resource
   */
  readonly problem?: string | undefined;
}

/**
 * Whose policy it is: an identity-based policy follows IAM's rules for actions and resources; in one of API
 * Gateway, `*` in a resource matches any characters including slashes, and `?` matches one (row 4.6).
 */
export type PolicyKind = 'identity' | 'api-gateway';

/** What a statement of a kind of policy is read with. */
export interface StatementContext extends Context {
  readonly kind: PolicyKind;
}

const elements = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

/** Whether a statement matches a request, whatever its effect is. */
export function applies(
  statement: unknown,
  { action, resource, keys }: AccessRequest,
  context: StatementContext,
): Outcome {
  if (!isObject(statement)) return { problem: 'is not an object' };
  const isAction = matchesElement(statement, 'Action', {
    context,
    isMatch: (pattern) =>
      matchesPattern(pattern.toLowerCase(), action.toLowerCase(), {
        wildcards: 'text',
        variables: undefined,
      }),
  });
  // Most statements are about other actions.
  if (isAction === false) return false;
  const isResource = matchesElement(statement, 'Resource', {
    context: { ...context, keys },
    isMatch: (pattern) =>
      matchesPattern(pattern, resource, {
        wildcards: context.kind === 'identity' ? 'resource' : 'text',
        variables: context.hasVariables ? keys : undefined,
      }),
  });
  const { Condition: condition = {} } = statement;
  const problem = problemWithShape(statement);
  return every([
    isAction,
    isResource,
    isTrue(condition, { ...context, keys }),
    problem === undefined || { problem },
  ]);
}

/** Why a statement cannot be evaluated; `undefined` if it can. */
export function problemWithStatement(
  statement: unknown,
  context: StatementContext,
): string | undefined {
  if (!isObject(statement)) return 'is not an object';
  const { Condition: condition = {} } = statement;
  return (
    problemWithShape(statement) ??
    problemWithElement(statement, 'Action', context) ??
    problemWithElement(statement, 'Resource', context) ??
    problemWithCondition(condition, context)
  );
}

/** The texts of an element, which is one text or a list. */
export function textsOf(value: unknown): string[] {
  return [value].flat().filter((text) => typeof text === 'string');
}

function problemWithShape(statement: Readonly<Record<string, unknown>>): string | undefined {
  const unknown = Object.keys(statement).find((element) => !elements.has(element));
  if (unknown !== undefined) return `has the element "${unknown}", which is not supported here`;
  const { Sid, Effect } = statement;
  if (Sid !== undefined && typeof Sid !== 'string') return 'has a "Sid" that is not a text';
  return Effect === 'Allow' || Effect === 'Deny'
    ? undefined
    : 'has an "Effect" that is neither "Allow" nor "Deny"';
}

/** Whether `Action` or `Resource` matches, or the element with `Not` before it does not. */
function matchesElement(
  statement: Readonly<Record<string, unknown>>,
  element: 'Action' | 'Resource',
  {
    context,
    isMatch,
  }: { readonly context: StatementContext; readonly isMatch: (pattern: string) => boolean },
): Outcome {
  const problem = problemWithElement(statement, element, context);
  if (problem !== undefined) return { problem };
  const excluded = statement[`Not${element}`];
  return excluded === undefined
    ? textsOf(statement[element]).some(isMatch)
    : !textsOf(excluded).some(isMatch);
}

/** Checks `Action` and `NotAction`, or `Resource` and `NotResource`. */
function problemWithElement(
  statement: Readonly<Record<string, unknown>>,
  element: 'Action' | 'Resource',
  context: StatementContext,
): string | undefined {
  const [name, other] = [element, `Not${element}`].filter((it) => statement[it] !== undefined);
  if (name === undefined) return `has no "${element}"`;
  if (other !== undefined) return `has both "${element}" and "Not${element}"`;
  const values: unknown[] = [statement[name]].flat();
  const texts = textsOf(values);
  if (texts.length === 0 || texts.length < values.length) {
    return `has a "${name}" that is neither a text nor a list of texts`;
  }
  const check = element === 'Action' ? problemWithAction : problemWithResource;
  return (
    (context.kind === 'identity'
      ? texts.map((text) => check(text, context)).find((problem) => problem !== undefined)
      : undefined) ?? (element === 'Resource' ? problemWithVariables(texts, context) : undefined)
  );
}

/** What IAM refuses when such a policy is created. */
function problemWithAction(action: string): string | undefined {
  return action === '*' || /^[a-z\d-]+:[a-z\d*?]+$/i.test(action)
    ? undefined
    : `has the action "${action}", which is neither "*" nor one of a service, such as "dynamodb:GetItem"`;
}

function problemWithResource(
  resource: string,
  { hasVariables }: StatementContext,
): string | undefined {
  const [start, , service = '', region = '', account = ''] = resource.split(':');
  if (start !== 'arn') return undefined;
  if (/[*?]/.test(service)) {
    return `has the resource "${resource}" with a wildcard for its service, which IAM does not allow`;
  }
  return hasVariables && [service, region, account].some((part) => part.includes('${'))
    ? `has the resource "${resource}" with a variable before its fifth colon, which IAM does not replace`
    : undefined;
}
