// Deeper nesting is never meant as text, and a body must not overflow the stack.
const MAX_DEPTH = 32;

/**
 * Parses the steps of a path after its root: any number of `.name`, `['name']` and `[0]`; `undefined` if
 * it contains other syntax of JSONPath.
 */
export function parsePath(text: string): string[] | undefined {
  const path: string[] = [];
  let rest = text;
  while (rest !== '') {
    const step = /^(?:\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\])/.exec(rest);
    if (!step) return undefined;
    path.push(step[1] ?? step[2] ?? step[3] ?? step[4] ?? '');
    rest = rest.slice(step[0].length);
  }
  return path;
}

/** The value at a path, or `undefined` if it is missing. Inherited properties are ignored. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * The text that Java prints for a value: `[item1, item2]`, without the quotes of JSON (row 2.5); empty if
 * it is missing.
 */
export function textOf(value: unknown, depth = 0): string {
  if (value === undefined || value === null || depth > MAX_DEPTH) return '';
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, depth + 1)).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => `${key}=${textOf(item, depth + 1)}`);
    return `{${entries.join(', ')}}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Parses JSON; `undefined` for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
