import type { Keys } from './keys.js';

/**
 * What `*` and `?` stand for in a text of a policy: nothing but themselves; any text and any character;
 * those between two colons of an ARN, while a `*` at the end of such a part may also match what is after it
 * (IAM JSON policy elements: Resource); or those of one of the six parts of an ARN, the last of which may
 * have colons (ARN condition operators).
 */
export type Wildcards = 'none' | 'text' | 'resource' | 'arn';

/** How a text of a policy is read. */
export interface Reading {
  readonly wildcards: Wildcards;
  /** `undefined` if the version of the policy has no variables, so that `${x}` is plain text. */
  readonly variables: Keys | undefined;
}

interface Wildcard {
  /** Whether it is a `*`. */
  readonly isMany: boolean;
  /** Whether it may stand for a colon. */
  readonly crosses: boolean;
}

/** A character, or a wildcard. */
type Token = string | Wildcard;

/** A variable in a text, such as `${aws:SourceIp}` or `${aws:SourceIp, 'nowhere'}`. */
export interface Variable {
  readonly name: string;
  /** What it is if the request lacks it. */
  readonly fallback: string | undefined;
}

const VARIABLE = /\$\{([^}]*)\}/;
/** `${*}`, `${?}` and `${$}` stand for these characters. */
const PLAIN = ['*', '?', '$'];
/** The parts of an ARN before the last one. */
const COLONS = 5;

/** The variables in a text. */
export function variablesIn(text: string): Variable[] {
  return text
    .split(VARIABLE)
    .filter((expression, index) => index % 2 === 1 && !PLAIN.includes(expression))
    .map(variableOf);
}

function variableOf(expression: string): Variable {
  const [, name = expression, fallback] = /^([^,]*),\s*'(.*)'\s*$/s.exec(expression) ?? [];
  return { name, fallback };
}

/**
 * Whether a text of a policy matches a text of a request. Never, if it has a variable that the request
 * lacks.
 */
export function matchesPattern(pattern: string, text: string, reading: Reading): boolean {
  // Most texts of a policy have neither wildcards nor variables.
  if (!/[*?$]/.test(pattern)) return pattern === text;
  const tokens = tokensOf(pattern, reading);
  return tokens !== undefined && matches(tokens, Array.from(text));
}

/** The text with the values of its variables; `undefined` if the request lacks one of them. */
export function withVariables(text: string, variables: Keys | undefined): string | undefined {
  const tokens = tokensOf(text, { wildcards: 'none', variables });
  return tokens && tokens.filter((token) => typeof token === 'string').join('');
}

function tokensOf(text: string, { wildcards, variables }: Reading): Token[] | undefined {
  const tokens: Token[] = [];
  const parts = variables ? text.split(VARIABLE) : [text];
  let colons = 0;
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) {
      const value = valueOf(part, variables);
      if (value === undefined) return undefined;
      tokens.push(...Array.from(value));
      continue;
    }
    const characters = Array.from(part);
    const end = index + 1 === parts.length ? ':' : undefined;
    for (const [at, character] of characters.entries()) {
      if (character === ':') colons++;
      if (wildcards === 'none' || !'*?'.includes(character)) {
        tokens.push(character);
        continue;
      }
      const isMany = character === '*';
      const isAtEnd = (characters[at + 1] ?? end) === ':';
      const crosses = { text: true, resource: isMany && isAtEnd, arn: colons >= COLONS }[wildcards];
      tokens.push({ isMany, crosses });
    }
  }
  return tokens;
}

function valueOf(expression: string, variables: Keys | undefined): string | undefined {
  if (PLAIN.includes(expression)) return expression;
  const { name, fallback } = variableOf(expression);
  const value = variables?.get(name.toLowerCase()) ?? fallback;
  return typeof value === 'string' ? value : undefined;
}

/** Takes tokens times characters at most: a pattern with many `*` must not take forever. */
function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let start = 0;
  while (start < text.length && tokens[start] === text[start]) start++;
  // Most patterns differ in a plain character, or have no wildcards.
  if (typeof tokens[start] === 'string') return false;
  const rest = tokens.slice(start);
  // At each index: whether the tokens before it match the text so far.
  const reached = [true];
  for (const [index, token] of rest.entries()) {
    reached.push(reached[index] === true && isStar(token));
  }
  for (const character of text.slice(start)) {
    let before = reached[0] === true;
    reached[0] = false;
    for (const [index, token] of rest.entries()) {
      const previous = reached[index + 1] === true;
      reached[index + 1] = isStar(token)
        ? reached[index] === true || (previous && fits(token, character))
        : before && fits(token, character);
      before = previous;
    }
  }
  return reached[rest.length] === true;
}

function isStar(token: Token): boolean {
  return typeof token === 'object' && token.isMany;
}

function fits(token: Token, character: string): boolean {
  return typeof token === 'string' ? token === character : token.crosses || character !== ':';
}
