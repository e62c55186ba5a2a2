import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { evaluate, type Names, valueAt } from './evaluate.js';
import { type Operand, parseUpdate, ValidationException } from './expression.js';
import type { Item } from './values.js';

/** Refuses an update that DynamoDB refuses whatever the item is: before it looks at the condition. */
export function checkUpdate(expression: string, names: Names): void {
  const update = parseUpdate(expression);
  const assigned = [...update.set, ...update.add, ...update.delete].map(({ path }) => path);
  refuseOverlap([...assigned, ...update.remove].map((path) => names.resolve(path)));
  for (const { value } of update.add) {
    const { N, SS } = literal(value, names);
    if (N === undefined && !SS) throw new ValidationException('ADD takes a number or a set.');
  }
  for (const { value } of update.delete) {
    if (!literal(value, names).SS) throw new ValidationException('DELETE takes a set.');
  }
}

/**
 * The item after an update. The old one stays as it is; parts that do not change are shared. All values are
 * computed from the old item.
 */
export function applyUpdate(old: Item, expression: string, names: Names): Item {
  const update = parseUpdate(expression);
  const changes: {
    readonly path: readonly string[];
    readonly value: AttributeValue | undefined;
  }[] = [];
  for (const { path, value } of update.set) {
    const computed = evaluate(value, old, names);
    if (!computed) throw new ValidationException('An attribute of the update does not exist.');
    changes.push({ path: names.resolve(path), value: computed });
  }
  for (const path of update.remove) changes.push({ path: names.resolve(path), value: undefined });
  for (const { path, value } of update.add) {
    const resolved = names.resolve(path);
    changes.push({
      path: resolved,
      value: added(valueAt(old, resolved), evaluate(value, old, names)),
    });
  }
  for (const { path, value } of update.delete) {
    const resolved = names.resolve(path);
    const current = valueAt(old, resolved);
    if (current) {
      changes.push({ path: resolved, value: without(current, evaluate(value, old, names)) });
    }
  }
  let item = old;
  for (const { path, value } of changes) item = withValue(item, path, value);
  return item;
}

function literal(operand: Operand, names: Names): AttributeValue {
  if (operand.kind === 'value') return names.value(operand.name);
  throw new ValidationException('ADD and DELETE take a value of the request.');
}

/** A copy of an item with another value at a place, or none. */
function withValue(
  item: Item,
  [name = '', ...rest]: readonly string[],
  value: AttributeValue | undefined,
): Item {
  const copy = { ...item };
  if (rest.length === 0) {
    if (value) copy[name] = value;
    else delete copy[name];
    return copy;
  }
  const inner = item[name]?.M;
  if (!inner) {
    throw new ValidationException(
      'The document path provided in the update expression is invalid for update',
    );
  }
  copy[name] = { M: withValue(inner, rest, value) };
  return copy;
}

function added(
  current: AttributeValue | undefined,
  change: AttributeValue | undefined,
): AttributeValue {
  if (change?.N !== undefined && (!current || current.N !== undefined)) {
    return { N: String(Number(current?.N ?? 0) + Number(change.N)) };
  }
  if (change?.SS && (!current || current.SS)) {
    return { SS: [...new Set([...(current?.SS ?? []), ...change.SS])] };
  }
  throw new ValidationException('ADD takes a number or a set, like the attribute itself.');
}

function without(
  current: AttributeValue,
  change: AttributeValue | undefined,
): AttributeValue | undefined {
  if (!current.SS || !change?.SS) throw new ValidationException('DELETE takes a set from a set.');
  const removed = new Set(change.SS);
  const left = current.SS.filter((member) => !removed.has(member));
  return left.length > 0 ? { SS: left } : undefined;
}

function refuseOverlap(paths: readonly (readonly string[])[]): void {
  const seen = new Set(paths.map((path) => path.join('\0')));
  const hasPrefix = paths.some((path) =>
    path.some((_, length) => length > 0 && seen.has(path.slice(0, length).join('\0'))),
  );
  if (seen.size < paths.length || hasPrefix) {
    throw new ValidationException('Two document paths of the update overlap.');
  }
}
