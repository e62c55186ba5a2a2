import { type SelectionInput, selectionExpression } from './selection-expression.js';

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
