import { makeError } from './gatecast-error.js';

/**
 * Refuses options that nobody reads: one that is misspelt, and two of which one would be ignored.
 * Stores and plugins of your own can check theirs with it, where they are made.
 *
 * @example
 * ```ts
 * checkOptions('myStore()', options, [['url', 'client'], 'now']);
 * ```
 *
 * @param where - What was given the options, as the beginning of a sentence.
 * @param options - What it was given.
 * @param known - The options there are. Those in a list of their own exclude each other.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_CONFLICT.
 */
export function checkOptions<T extends object>(
  where: string,
  options: T,
  known: readonly ((keyof T & string) | readonly (keyof T & string)[])[],
): void {
  const names: readonly string[] = known.flat();
  const values = new Map<string, unknown>(Object.entries(options));
  const option = [...values.keys()].find((key) => !names.includes(key));
  if (option !== undefined) {
    throw makeError('ERR_OPTION_UNKNOWN', { where, option, known: names.join(', ') });
  }
  for (const entry of known) {
    const [first, second] = [entry].flat().filter((name) => values.get(name) !== undefined);
    if (first === undefined || second === undefined) continue;
    throw makeError('ERR_OPTION_CONFLICT', { where, first, second });
  }
}
