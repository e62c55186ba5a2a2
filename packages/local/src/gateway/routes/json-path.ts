// Deeper nesting is never meant as text, and a body must not overflow the stack.
const MAX_DEPTH = 32;

/** The step of a path to every item of a list or value of an object. */
const EACH: unique symbol = Symbol('*');

/** A step of a path: a name, an index or a wildcard. */
export type Step = string | typeof EACH;

/**
 * Parses the steps of a path after its root: any number of `.name`, `['name']`, `[0]`, `.*` and `[*]`;
 * `undefined` if it contains other syntax of JSONPath.
 */
export function parsePath(text: string): Step[] | undefined {
  const path: Step[] = [];
  let rest = text;
  while (rest !== '') {
    const step = /^(?:\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]|\[\*\])/.exec(rest);
    if (!step) return undefined;
    const name = step[1] ?? step[2] ?? step[3] ?? step[4];
    path.push(name === undefined || step[1] === '*' ? EACH : name);
    rest = rest.slice(step[0].length);
  }
  return path;
}

/**
 * The value at a path, or `undefined` if it is missing; a list, in one level, if the path has wildcards
 * (row 2.12). Inherited properties are ignored.
 */
export function valueAt(root: unknown, path: readonly Step[]): unknown {
  let value = root;
  for (const [index, step] of path.entries()) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (step === EACH) {
      const rest = path.slice(index + 1);
      const found = Object.values(value).map((item) => valueAt(item, rest));
      const present = found.filter((item) => item !== undefined);
      return rest.includes(EACH) ? present.flat() : present;
    }
    if (!Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
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
