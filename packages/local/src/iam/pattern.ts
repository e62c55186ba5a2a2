/** One character of a pattern, or what a wildcard stands for. */
type Token = { readonly character: string } | 'any text' | 'any character';

/** The values of policy variables, by their names in lower case. */
export type Variables = ReadonlyMap<string, string | undefined>;

/** How a text of a policy is read. */
export interface Reading {
  /** Whether `*` and `?` are wildcards. */
  readonly wildcards: boolean;
  /** `undefined` if the version of the policy has no variables, so that `${x}` is plain text. */
  readonly variables: Variables | undefined;
}

/** Of `${name}`, and of `${*}`, `${?}` and `${$}`, which stand for these characters. */
const VARIABLE = /^\$\{([^}]*)\}/;

/** The names of the variables in a text, as they are written. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$\{([^}]*)\}/g)]
    .map(([, name = '']) => name)
    .filter((name) => !['*', '?', '$'].includes(name));
}

/**
 * Whether a text of a policy matches a text of a request. Never, if it has a variable that the request
 * lacks.
 */
export function matchesPattern(pattern: string, text: string, reading: Reading): boolean {
  const tokens = tokensOf(pattern, reading);
  return tokens !== undefined && matches(tokens, Array.from(text));
}

/** The text with the values of its variables; `undefined` if the request lacks one of them. */
export function withVariables(text: string, variables: Variables | undefined): string | undefined {
  return tokensOf(text, { wildcards: false, variables })
    ?.map((token) => (typeof token === 'string' ? '' : token.character))
    .join('');
}

function tokensOf(text: string, { wildcards, variables }: Reading): Token[] | undefined {
  const tokens: Token[] = [];
  let rest = text;
  while (rest !== '') {
    const [reference = '', name] = (variables && VARIABLE.exec(rest)) ?? [];
    if (name !== undefined) {
      const value = ['*', '?', '$'].includes(name) ? name : variables?.get(name.toLowerCase());
      if (value === undefined) return undefined;
      tokens.push(...Array.from(value, (character) => ({ character })));
      rest = rest.slice(reference.length);
      continue;
    }
    const [character = ''] = rest;
    if (wildcards && character === '*') tokens.push('any text');
    else if (wildcards && character === '?') tokens.push('any character');
    else tokens.push({ character });
    rest = rest.slice(character.length);
  }
  return tokens;
}

/** Goes back to the last `*` only, because a pattern with many of them must not take forever. */
function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let [at, position] = [0, 0];
  let lastStar: { readonly at: number; position: number } | undefined;
  while (position < text.length) {
    const token = tokens[at];
    if (token === 'any text') {
      lastStar = { at, position };
      at++;
    } else if (token === 'any character' || token?.character === text[position]) {
      at++;
      position++;
    } else if (lastStar) {
      lastStar.position++;
      at = lastStar.at + 1;
      position = lastStar.position;
    } else {
      return false;
    }
  }
  return tokens.slice(at).every((token) => token === 'any text');
}
