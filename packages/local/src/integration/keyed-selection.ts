import { type SelectionFacts, selectionExpression } from './selection-expression.js';

/** Finds the entry that an expression selects, or the one with the key `$default`. */
export type KeyedSelection<T> = (facts: SelectionFacts) => T | undefined;

/** What is selected from, and by which expression. */
export interface KeyedEntries<T> {
  readonly entries: Readonly<Record<string, T>> | undefined;
  readonly expression: string;
  /** As error messages call the expression. */
  readonly name: string;
  readonly variables: readonly string[];
}

/**
 * Compiles a selection among templates or models. Keys may be spelled `$default` or `\$default`
 * (row 8.3), and so may the expression.
 *
 * @throws Error when the expression cannot be read.
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
  return (facts) => byKey.get(select(facts)) ?? byKey.get('$default');
}
