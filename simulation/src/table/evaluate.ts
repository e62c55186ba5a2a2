import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  type Condition,
  type Operand,
  type Path,
  parseCondition,
  ValidationException,
} from './expression.js';
import { areEqual, compare, type Item, sizeOf } from './values.js';

/** The names and values that the expressions of a request refer to. */
export class Names {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Readonly<Record<string, AttributeValue>>;

  constructor(input: {
    readonly ExpressionAttributeNames?: Record<string, string> | undefined;
    readonly ExpressionAttributeValues?: Record<string, AttributeValue> | undefined;
  }) {
    this.#names = input.ExpressionAttributeNames ?? {};
    this.#values = input.ExpressionAttributeValues ?? {};
  }

  /** The attributes on a path. */
  resolve(path: Path): readonly string[] {
    return path.map((part) => {
      const name = part.startsWith('#') ? this.#names[part] : part;
      if (name === undefined) throw new ValidationException(`The name ${part} is not defined.`);
      return name;
    });
  }

  value(name: string): AttributeValue {
    const value = this.#values[name];
    if (!value) throw new ValidationException(`The value ${name} is not defined.`);
    return value;
  }

  /** Refuses names and values that no expression uses, as DynamoDB does. */
  checkUse(...expressions: readonly (string | undefined)[]): void {
    const used = new Set(expressions.join(' ').match(/[#:][\w-]+/g));
    for (const name of [...Object.keys(this.#names), ...Object.keys(this.#values)]) {
      if (!used.has(name)) throw new ValidationException(`${name} is not used.`);
    }
  }
}

/** The value at a place in an item. */
export function valueAt(
  item: Item | undefined,
  path: readonly string[],
): AttributeValue | undefined {
  let value: AttributeValue | undefined = item && { M: item };
  for (const name of path) value = value?.M?.[name];
  return value;
}

/** The value of an operand, if it has one. */
export function evaluate(
  operand: Operand,
  item: Item | undefined,
  names: Names,
): AttributeValue | undefined {
  switch (operand.kind) {
    case 'value':
      return names.value(operand.name);
    case 'path':
      return valueAt(item, names.resolve(operand.path));
    case 'size': {
      const value = valueAt(item, names.resolve(operand.path));
      const size = value && sizeOf(value);
      return size === undefined ? undefined : { N: String(size) };
    }
    case 'if_not_exists':
      return valueAt(item, names.resolve(operand.path)) ?? evaluate(operand.otherwise, item, names);
    case 'sum':
    default: {
      const left = evaluate(operand.left, item, names)?.N;
      const right = evaluate(operand.right, item, names)?.N;
      if (left === undefined || right === undefined) {
        throw new ValidationException('An operand of a sum is not a number.');
      }
      return { N: String(Number(left) + operand.sign * Number(right)) };
    }
  }
}

/** Whether an item, or the lack of one, meets a condition. */
export function meets(item: Item | undefined, expression: string, names: Names): boolean {
  return holds(parseCondition(expression), item, names);
}

function holds(condition: Condition, item: Item | undefined, names: Names): boolean {
  const of = (operand: Operand): AttributeValue | undefined => evaluate(operand, item, names);
  switch (condition.kind) {
    // All parts are looked at, so that a mistake in one is found although another has decided.
    case 'and':
      return condition.of.filter((part) => !holds(part, item, names)).length === 0;
    case 'or':
      return condition.of.filter((part) => holds(part, item, names)).length > 0;
    case 'not':
      return !holds(condition.of, item, names);
    case 'exists':
      return (valueAt(item, names.resolve(condition.path)) !== undefined) === condition.isWanted;
    case 'compare':
      return isTrue(condition.comparator, of(condition.left), of(condition.right));
    case 'between': {
      const value = of(condition.value);
      return isTrue('>=', value, of(condition.low)) && isTrue('<=', value, of(condition.high));
    }
    case 'in': {
      const value = of(condition.value);
      return condition.list.some((member) => isTrue('=', value, of(member)));
    }
    case 'begins_with': {
      const [value, part] = [of(condition.value)?.S, of(condition.part)?.S];
      return value !== undefined && part !== undefined && value.startsWith(part);
    }
    case 'contains':
    default:
      return contains(of(condition.value), of(condition.part));
  }
}

function isTrue(
  comparator: string,
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
): boolean {
  // An attribute that does not exist differs from everything.
  if (!left || !right) return comparator === '<>';
  if (comparator === '=') return areEqual(left, right);
  if (comparator === '<>') return !areEqual(left, right);
  const order = compare(left, right);
  if (order === undefined) return false;
  if (comparator === '<') return order < 0;
  if (comparator === '<=') return order <= 0;
  return comparator === '>' ? order > 0 : order >= 0;
}

function contains(value: AttributeValue | undefined, part: AttributeValue | undefined): boolean {
  if (!value || !part) return false;
  if (value.S !== undefined) return part.S !== undefined && value.S.includes(part.S);
  if (value.SS) return part.S !== undefined && value.SS.includes(part.S);
  return value.L?.some((member) => areEqual(member, part)) ?? false;
}
