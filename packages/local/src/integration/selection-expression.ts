import { parsePath, textOf, valueAt } from './json-path.js';

/** What a selection expression may name, by the words before the first dot. */
export interface SelectionFacts {
  readonly request: { readonly body: unknown };
  readonly integration?: {
    readonly response: { readonly statuscode: number };
  };
}

/** Yields the key that an expression selects by. What is missing yields nothing. */
export type SelectionExpression = (facts: SelectionFacts) => string;

/** Which of the API's expressions it is. */
export interface ExpressionKind {
  /** As error messages call it. */
  readonly name: string;
  /** The variables it may have, such as `request.body`. */
  readonly variables: readonly string[];
}

type Part = { readonly text: string } | { readonly path: readonly string[] };

/**
 * Compiles a selection expression: text, `\$` for a dollar, and any number of variables as
 * `$request.body.path` or `${request.body.path}` (rows 2.2 to 2.4). Of JSONPath a path may have
 * `.name`, `['name']` and `[0]`.
 *
 * @throws Error when the expression names another variable, or a path cannot be read.
 */
export function selectionExpression(expression: string, kind: ExpressionKind): SelectionExpression {
  const parts = parse(expression, kind);
  return (facts) =>
    parts.map((part) => ('text' in part ? part.text : textOf(valueAt(facts, part.path)))).join('');
}

function parse(expression: string, kind: ExpressionKind): Part[] {
  const parts: Part[] = [];
  let rest = expression;
  while (rest !== '') {
    const match =
      /^\\(?<escaped>.)/s.exec(rest) ??
      /^\$\{(?<bounded>[^}]*)\}/.exec(rest) ??
      /^\$(?<bare>[a-z]+\.\w+(?:\.\w+|\[\d+\]|\['[^']*'\])*)/.exec(rest) ??
      /^(?<plain>[^\\$]+)/.exec(rest);
    const { escaped, bounded, bare, plain } = match?.groups ?? {};
    const text = escaped ?? plain;
    const name = bounded ?? bare;
    if (text !== undefined) {
      parts.push({ text });
    } else {
      const path = name === undefined ? undefined : pathOf(name, kind);
      if (!path) throw new Error(unreadable(expression, kind, name ?? rest));
      parts.push({ path });
    }
    rest = rest.slice(match?.[0].length);
  }
  return parts;
}

function pathOf(name: string, { variables }: ExpressionKind): string[] | undefined {
  const variable = variables.find((known) => name.startsWith(known));
  const path = variable === undefined ? undefined : parsePath(name.slice(variable.length));
  return path && [...(variable?.split('.') ?? []), ...path];
}

function unreadable(
  expression: string,
  { name, variables }: ExpressionKind,
  where: string,
): string {
  const known = variables.map((variable) => `"\${${variable}…}"`).join(', ');
  return (
    `The ${name} "${expression}" cannot be read at "${where}". ` +
    `Use text, "\\$" for a dollar, and the variables ${known}, such as "\${request.body.action}".`
  );
}
