import { parsePath, type Step, textOf, valueAt } from './json-path.js';

/** The values that a selection expression may read, by the words before the first dot. */
export interface SelectionInput {
  readonly request: { readonly body: unknown };
  readonly integration?: {
    readonly response: { readonly statuscode: number };
  };
}

/** Evaluates an expression to a key. Missing values become empty text. */
export type SelectionExpression = (input: SelectionInput) => string;

/** The kind of an expression. */
export interface ExpressionKind {
  /** Its name in error messages. */
  readonly name: string;
  /** The variables that it may contain, such as `request.body`. */
  readonly variables: readonly string[];
}

type Part = { readonly text: string } | { readonly path: readonly Step[] };

/**
 * Compiles a selection expression: text, `\$` for a dollar, and any number of variables as
 * `$request.body.path` or `${request.body.path}` (rows 2.2 to 2.4). A path may contain `.name`,
 * `['name']`, `[0]`, and the wildcards `.*` and `[*]` of JSONPath.
 *
 * @throws Error if the expression has another variable or an invalid path.
 */
export function selectionExpression(expression: string, kind: ExpressionKind): SelectionExpression {
  const parts = parse(expression, kind);
  return (input) =>
    parts.map((part) => ('text' in part ? part.text : textOf(valueAt(input, part.path)))).join('');
}

function parse(expression: string, kind: ExpressionKind): Part[] {
  const parts: Part[] = [];
  let rest = expression;
  while (rest !== '') {
    const match =
      /^\\(?<escaped>.)/s.exec(rest) ??
      /^\$\{(?<bounded>[^}]*)\}/.exec(rest) ??
      /^\$(?<bare>[a-z]+\.\w+(?:\.\w+|\.\*|\[(?:\d+|\*)\]|\['[^']*'\])*)/.exec(rest) ??
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

function pathOf(name: string, { variables }: ExpressionKind): Step[] | undefined {
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
