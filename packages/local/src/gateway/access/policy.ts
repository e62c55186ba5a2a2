/** The result of a policy for one action on one resource. */
export type Decision = 'allow' | 'deny' | { readonly problem: string };

const knownElements = new Set(['Sid', 'Effect', 'Action', 'Resource']);

/**
 * Evaluates the policy of an authorizer or of an access key: a matching `Deny` wins over a matching
 * `Allow`, and without either the result is deny (row 4.5). `*` matches any characters including slashes,
 * and `?` matches one (row 4.6). A policy with a problem never allows anything.
 */
export function evaluatePolicy(document: unknown, action: string, resource: string): Decision {
  const problem = problemWithPolicy(document);
  if (problem !== undefined) return { problem };
  const effects = (statementsOf(document) as Record<string, unknown>[])
    .filter(
      ({ Action, Resource }) =>
        texts(Action).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
        texts(Resource).some((pattern) => matches(pattern, resource)),
    )
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny') ? 'allow' : 'deny';
}

/**
 * Why a policy cannot be evaluated: it is malformed, or it has an element that is not supported here,
 * such as `Condition`.
 */
export function problemWithPolicy(document: unknown): string | undefined {
  const statements = statementsOf(document);
  if (statements.length === 0) return 'its policy has no "Statement"';
  return statements.map(problemOf).find((found) => found !== undefined);
}

function statementsOf(document: unknown): unknown[] {
  return isObject(document) ? [document['Statement'] ?? []].flat() : [];
}

function problemOf(statement: unknown): string | undefined {
  if (!isObject(statement)) return 'a statement of its policy is not an object';
  const unknown = Object.keys(statement).find((element) => !knownElements.has(element));
  if (unknown !== undefined) {
    return `its policy has the element "${unknown}", which is not supported here`;
  }
  if (statement['Effect'] !== 'Allow' && statement['Effect'] !== 'Deny') {
    return 'the "Effect" of a statement of its policy is neither "Allow" nor "Deny"';
  }
  const lacks = ['Action', 'Resource'].find((element) => texts(statement[element]).length === 0);
  return lacks && `a statement of its policy has no "${lacks}"`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function texts(value: unknown): string[] {
  return [value].flat().filter((text) => typeof text === 'string');
}

function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
