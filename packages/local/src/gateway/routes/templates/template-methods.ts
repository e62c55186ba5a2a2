import { textOf } from '../json-path.js';

type Method<Subject> = (subject: Subject, ...args: readonly unknown[]) => unknown;
type Methods<Subject> = Readonly<Record<string, Method<Subject>>>;

/** Functions that a template may call on a built-in variable, such as `$util`. */
export class TemplateFunctions {
  readonly #functions: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

  constructor(functions: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>) {
    this.#functions = functions;
  }

  call(name: string, args: readonly unknown[]): unknown {
    return Object.hasOwn(this.#functions, name) ? this.#functions[name]?.(...args) : undefined;
  }
}

// On AWS, the values of a template are Java objects. These are their methods that templates use. No other
// method exists, so templates cannot reach inherited members of JavaScript values.
const ofAny: Methods<unknown> = {
  equals: (subject: unknown, other: unknown) => textOf(subject) === textOf(other),
  toString: (subject: unknown) => textOf(subject),
};

const ofString: Methods<string> = {
  charAt: (text, index) => text.charAt(Number(index)),
  concat: (text, other) => text + textOf(other),
  contains: (text, part) => text.includes(textOf(part)),
  endsWith: (text, end) => text.endsWith(textOf(end)),
  equalsIgnoreCase: (text, other) => text.toLowerCase() === textOf(other).toLowerCase(),
  indexOf: (text, part) => text.indexOf(textOf(part)),
  isEmpty: (text) => text === '',
  lastIndexOf: (text, part) => text.lastIndexOf(textOf(part)),
  length: (text) => text.length,
  matches: (text, pattern) => new RegExp(`^(?:${textOf(pattern)})$`).test(text),
  replace: (text, part, other) => text.replaceAll(textOf(part), () => textOf(other)),
  replaceAll: (text, pattern, other) =>
    text.replace(new RegExp(textOf(pattern), 'g'), replacement(other)),
  replaceFirst: (text, pattern, other) =>
    text.replace(new RegExp(textOf(pattern)), replacement(other)),
  split: (text, pattern) => text.split(new RegExp(textOf(pattern))),
  startsWith: (text, start) => text.startsWith(textOf(start)),
  substring: (text, start, end) =>
    text.substring(Number(start), end === undefined ? undefined : Number(end)),
  toLowerCase: (text) => text.toLowerCase(),
  toUpperCase: (text) => text.toUpperCase(),
  trim: (text) => text.trim(),
};

const ofList: Methods<unknown[]> = {
  add: (list, item) => list.push(item) > 0,
  contains: (list, item) => list.includes(item),
  count: (list) => list.length,
  get: (list, index) => list[Number(index)],
  indexOf: (list, item) => list.indexOf(item),
  isEmpty: (list) => list.length === 0,
  remove: (list, index) => list.splice(Number(index), 1)[0],
  size: (list) => list.length,
  subList: (list, start, end) => list.slice(Number(start), Number(end)),
};

const ofMap: Methods<Record<string, unknown>> = {
  containsKey: (map, key) => Object.hasOwn(map, textOf(key)),
  entrySet: (map) => Object.entries(map).map(([key, value]) => ({ key, value })),
  get: (map, key) => ownProperty(map, textOf(key)),
  isEmpty: (map) => Object.keys(map).length === 0,
  keySet: (map) => Object.keys(map),
  put: (map, key, value) => {
    // With the key "__proto__", an assignment would replace the prototype.
    Object.defineProperty(map, textOf(key), {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
    return '';
  },
  remove: (map, key) => {
    const value = ownProperty(map, textOf(key));
    delete map[textOf(key)];
    return value;
  },
  size: (map) => Object.keys(map).length,
  values: (map) => Object.values(map),
};

/** Calls a method of a template's value; `undefined` if the value does not have it. */
export function callMethod(subject: unknown, name: string, args: readonly unknown[]): unknown {
  if (subject instanceof TemplateFunctions) return subject.call(name, args);
  if (subject === undefined || subject === null) return undefined;
  const own =
    typeof subject === 'string'
      ? run(ofString, subject, { name, args })
      : Array.isArray(subject)
        ? run(ofList, subject, { name, args })
        : typeof subject === 'object'
          ? run(ofMap, subject as Record<string, unknown>, { name, args })
          : undefined;
  return (own ?? run(ofAny, subject, { name, args }))?.value;
}

/** An own property of a value, never an inherited one. */
export function ownProperty(subject: unknown, key: string): unknown {
  return typeof subject === 'object' && subject !== null && Object.hasOwn(subject, key)
    ? (subject as Record<string, unknown>)[key]
    : undefined;
}

function run<Subject>(
  methods: Methods<Subject>,
  subject: Subject,
  { name, args }: { readonly name: string; readonly args: readonly unknown[] },
): { readonly value: unknown } | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method && { value: method(subject, ...args) };
}

/** Converts Java's replacement syntax to JavaScript's: `\x` is `x`, and only `$0`, `$1` are special. */
function replacement(value: unknown): string {
  return textOf(value).replace(/\\(.)|\$0|\$(?!\d)/gs, (text, escaped: string = text) => {
    if (text === '$0') return '$&';
    return escaped === '$' ? '$$' : escaped;
  });
}
