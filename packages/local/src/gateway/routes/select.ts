import { parseJson, parsePath, type Step, textOf, valueAt } from './json-path.js';
import { type MappingTemplate, mappingTemplate } from './templates/mapping-template.js';

/**
 * Returns the text by which a message's body selects a route; `undefined` if the body cannot be
 * evaluated.
 */
export type RouteSelector = (body: string) => string | undefined;

/**
 * Compiles a route selection expression (rows 2.2 to 2.7): see {@link selectionExpression}.
 *
 * @throws Error if the expression has a variable other than `request.body`, or an invalid path.
 */
export function routeSelector(expression: string): RouteSelector {
  const select = selectionExpression(expression, {
    name: 'route selection expression',
    variables: ['request.body'],
  });
  return (text) => {
    const body = parseJson(text);
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    return isObject ? select({ request: { body } }) : undefined;
  };
}

/** Mapping templates, and the expression that selects one of them. */
export interface Templates {
  readonly templates: Readonly<Record<string, string>> | undefined;
  readonly expression: string | undefined;
  /** The variables that the expression may contain. */
  readonly variables: readonly string[];
  /** The place of the templates in error messages. */
  readonly where: string;
}

/** The largest mapping template, in bytes (quotas of WebSocket APIs). */
const MAX_TEMPLATE_BYTES = 300 * 1024;

/** @throws Error if a template is too large, or it or the expression is invalid. */
export function templateSelection({
  templates = {},
  expression = 'application/json',
  variables,
  where,
}: Templates): KeyedSelection<MappingTemplate> {
  const entries = Object.entries(templates).map(([key, text]): [string, MappingTemplate] => {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_TEMPLATE_BYTES) {
      throw new Error(
        `The template "${key}" of ${where} has ${bytes} bytes, but API Gateway takes ` +
          `${MAX_TEMPLATE_BYTES}. Make it smaller.`,
      );
    }
    try {
      return [key, named(`The template "${key}" of ${where}`, mappingTemplate(text))];
    } catch (error) {
      const problem = `The template "${key}" of ${where} cannot be read.`;
      throw new Error(`${problem} ${firstLines(error)}`, { cause: error });
    }
  });
  return keyedSelection({
    entries: Object.fromEntries(entries),
    expression,
    name: `template selection expression of ${where}`,
    variables,
  });
}

function named(name: string, render: MappingTemplate): MappingTemplate {
  return (variables) => {
    try {
      return render(variables);
    } catch (error) {
      throw new Error(`${name} failed. ${firstLines(error)}`, { cause: error });
    }
  };
}

/** Only the beginning of the parser's message: the rest is a list of its internal names. */
function firstLines(error: unknown): string {
  return (error as Error).message.split('\n').slice(0, 3).join('\n');
}

/** Finds the entry that an expression selects, or the one with the key `$default`. */
export type KeyedSelection<T> = (input: SelectionInput) => T | undefined;

/** The entries to select from, and the expression. */
export interface KeyedEntries<T> {
  readonly entries: Readonly<Record<string, T>> | undefined;
  readonly expression: string;
  /** Name of the expression in error messages. */
  readonly name: string;
  readonly variables: readonly string[];
}

/**
 * Compiles a selection among templates or models. Keys may be spelled `$default` or `\$default`
 * (row 8.3), and so may the expression.
 *
 * @throws Error if the expression is invalid.
 */
export function keyedSelection<T>({
  entries = {},
  expression,
  name,
  variables,
}: KeyedEntries<T>): KeyedSelection<T> {
  const select = selectionExpression(expression.replace(/^\$default$/, '\\$default'), {
    name,
    variables,
  });
  const byKey = new Map(
    Object.entries(entries).map(([key, entry]) => [key.replace(/^\\\$/, '$'), entry]),
  );
  return (input) => byKey.get(select(input)) ?? byKey.get('$default');
}

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
