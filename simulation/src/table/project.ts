import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Names, valueAt } from './evaluate.js';
import { parseProjection, ValidationException } from './expression.js';
import type { Item } from './values.js';

/** The attributes of an item that a projection expression names; without one, all. */
export function project(
  item: Item,
  expression: string | undefined,
  names: Names,
): Record<string, AttributeValue> {
  if (expression === undefined) return item;
  const projected: Record<string, AttributeValue> = {};
  for (const path of parseProjection(expression)) {
    const resolved = names.resolve(path);
    if (resolved.length > 1) throw new ValidationException('Nested projections are not simulated.');
    const value = valueAt(item, resolved);
    if (value) projected[resolved[0] as string] = value;
  }
  return projected;
}
