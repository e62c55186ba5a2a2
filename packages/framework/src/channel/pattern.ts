import { channelNameProblem, decodeSegment } from '@gatecast/protocol';

/** Most names whose match is cached. When the cache is full, it is emptied. */
const MAX_CACHED = 1_000;
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/;

// Parameters as other routers write them: {id}, [id], <id>, $id, *id.
const FOREIGN_PARAMETER = /^[{[<$*]+\.*([A-Za-z_]\w*)[}\]>*]*$/;

/** Says what is wrong with a pattern; `undefined` if it is legal. */
export function patternProblem(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string') return 'is not a string';
  if (pattern === '') return 'is empty';
  if (pattern.startsWith('/')) return 'begins with "/": leave it out';
  if (pattern.endsWith('/')) return 'ends with "/": leave it out';
  const names = new Set<string>();
  for (const segment of pattern.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (!segment.startsWith(':')) {
      const foreign = FOREIGN_PARAMETER.exec(segment)?.[1];
      if (foreign !== undefined) return `has "${segment}": a parameter is written ":${foreign}"`;
      const problem = channelNameProblem(segment);
      if (problem) return `${problem} ("${segment}")`;
      continue;
    }
    if (segment === ':') return 'has a ":" without the name of a parameter';
    if (!PARAMETER.test(segment)) {
      return `has the parameter "${segment}", whose name is not letters, digits and "_"`;
    }
    if (names.has(segment)) return `has the parameter "${segment}" twice`;
    names.add(segment);
  }
  return undefined;
}

/** The names of a pattern's parameters, in order. */
export function parametersOf(pattern: string): readonly string[] {
  return pattern
    .split('/')
    .filter((segment) => segment.startsWith(':'))
    .map((segment) => segment.slice(1));
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  parameter?: Node<T>;
  leaf?: { readonly value: T; readonly parameters: readonly string[] };
}

export interface PatternMatch<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the pattern that a channel name matches. A literal segment takes precedence over a parameter. */
export class PatternTree<T> {
  readonly #root: Node<T> = { literals: new Map() };
  readonly #known = new Map<string, PatternMatch<T>>();

  /** Adds a pattern. If another pattern matches the same names, returns the value of that one instead. */
  add(pattern: string, value: T): T | undefined {
    let node = this.#root;
    for (const segment of pattern.split('/')) {
      if (segment.startsWith(':')) {
        node.parameter ??= { literals: new Map() };
        node = node.parameter;
      } else {
        const next = node.literals.get(segment) ?? { literals: new Map() };
        node.literals.set(segment, next);
        node = next;
      }
    }
    if (node.leaf) return node.leaf.value;
    node.leaf = { value, parameters: parametersOf(pattern) };
    return undefined;
  }

  /**
   * The pattern that a channel name matches, with the decoded parameters; `undefined` if none matches or
   * the name is not legal.
   */
  match(name: string): PatternMatch<T> | undefined {
    const known = this.#known.get(name);
    if (known || channelNameProblem(name) !== undefined) return known;
    const found = find(this.#root, name.split('/'), 0, []);
    // Somebody who uses a pattern as the name of a channel would wait in vain.
    if (!found || isPattern(found)) return undefined;
    if (this.#known.size >= MAX_CACHED) this.#known.clear();
    this.#known.set(name, found);
    return found;
  }
}

function isPattern({ params }: PatternMatch<unknown>): boolean {
  return Object.entries(params).some(([name, value]) => value === `:${name}`);
}

// oxlint-disable-next-line max-params -- a recursion that runs for every message.
function find<T>(
  node: Node<T>,
  segments: readonly string[],
  depth: number,
  values: readonly string[],
): PatternMatch<T> | undefined {
  if (depth === segments.length) {
    if (!node.leaf) return undefined;
    const params: Record<string, string> = {};
    const { value, parameters } = node.leaf;
    for (let index = 0; index < parameters.length; index += 1) {
      params[parameters[index] as string] = decodeSegment(values[index] as string);
    }
    return Object.freeze({ value, params: Object.freeze(params) });
  }
  const segment = segments[depth] as string;
  const literal = node.literals.get(segment);
  const found = literal && find(literal, segments, depth + 1, values);
  if (found || !node.parameter) return found;
  return find(node.parameter, segments, depth + 1, [...values, segment]);
}
