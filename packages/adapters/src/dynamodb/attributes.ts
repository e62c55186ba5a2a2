import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item, or some attributes of one, in DynamoDB's form. */
export type Item = Record<string, AttributeValue>;

/** A value of JSON in DynamoDB's form. */
export function toAttribute(value: unknown): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (typeof value === 'object' && value !== null) return { M: toItem(value) };
  return { NULL: true };
}

/** The values of an object in DynamoDB's form; those that are `undefined` are not there. */
export function toItem(values: object): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) item[name] = toAttribute(value);
  }
  return item;
}

/** The value of an attribute; `undefined` for a set or bytes, which JSON does not have. */
export function fromAttribute(attribute: AttributeValue): unknown {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.M !== undefined) {
    return Object.fromEntries(
      Object.entries(attribute.M).map(([name, value]) => [name, fromAttribute(value)]),
    );
  }
  return attribute.NULL === undefined ? undefined : null;
}
