/**
 * Yields the text that a message's body selects a route by, or `undefined` when the body cannot be
 * evaluated.
 */
export type RouteSelector = (body: string) => string | undefined;

type Part = { readonly text: string } | { readonly path: readonly string[] };

const variable = 'request.body';
// No route is named by text nested deeper than this, and a body must not exhaust the stack.
const MAX_DEPTH = 32;

/**
 * Compiles a route selection expression (rows 2.2 to 2.7): text, `\$` for a dollar, and any number
 * of `$request.body.path` or `${request.body.path}`. Of JSONPath a path may have `.name`,
 * `['name']` and `[0]`.
 *
 * @throws Error when the expression names a variable other than `request.body`, or a path cannot be
 * read.
 */
export function routeSelector(expression: string): RouteSelector {
  const parts = parse(expression);
  return (body) => {
    const message = parseObject(body);
    if (!message) return undefined;
    return parts
      .map((part) => ('text' in part ? part.text : textOf(valueAt(message, part.path))))
      .join('');
  };
}

function parse(expression: string): Part[] {
  const parts: Part[] = [];
  let rest = expression;
  while (rest !== '') {
    const match =
      /^\\(?<escaped>.)/s.exec(rest) ??
      /^\$\{(?<bounded>[^}]*)\}/.exec(rest) ??
      /^\$(?<bare>request\.body(?:\.\w+|\[\d+\]|\['[^']*'\])*)/.exec(rest) ??
      /^(?<plain>[^\\$]+)/.exec(rest);
    const { escaped, bounded, bare, plain } = match?.groups ?? {};
    const text = escaped ?? plain;
    const name = bounded ?? bare;
    if (text !== undefined) parts.push({ text });
    else if (name !== undefined) parts.push({ path: parsePath(name, expression) });
    else throw new Error(unreadable(expression, rest));
    rest = rest.slice(match?.[0].length);
  }
  return parts;
}

function parsePath(name: string, expression: string): string[] {
  if (!name.startsWith(variable)) throw new Error(unreadable(expression, name));
  const path: string[] = [];
  let rest = name.slice(variable.length);
  while (rest !== '') {
    const step = /^(?:\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\])/.exec(rest);
    if (!step) throw new Error(unreadable(expression, rest));
    path.push(step[1] ?? step[2] ?? step[3] ?? '');
    rest = rest.slice(step[0].length);
  }
  return path;
}

function unreadable(expression: string, where: string): string {
  return (
    `The route selection expression "${expression}" cannot be read at "${where}". ` +
    'Use text, "\\$" for a dollar, and variables such as "${request.body.action}".'
  );
}

function parseObject(body: string): object | undefined {
  try {
    const message: unknown = JSON.parse(body);
    return typeof message === 'object' && message !== null && !Array.isArray(message)
      ? message
      : undefined;
  } catch {
    return undefined;
  }
}

function valueAt(message: object, path: readonly string[]): unknown {
  let value: unknown = message;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * Text as Java prints it: `[item1, item2]`, without the quotes of JSON (row 2.5); nothing for what
 * is missing.
 */
function textOf(value: unknown, depth = 0): string {
  if (value === undefined || value === null || depth > MAX_DEPTH) return '';
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, depth + 1)).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => `${key}=${textOf(item, depth + 1)}`);
    return `{${entries.join(', ')}}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
