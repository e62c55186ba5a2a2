import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item or some of its attributes, in DynamoDB's format. */
export type Item = Record<string, AttributeValue>;

/** Converts a JSON value to DynamoDB's format. */
export function toAttribute(value: unknown): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (typeof value === 'object' && value !== null) return { M: toItem(value) };
  return { NULL: true };
}

/** Converts an object to DynamoDB's format, without the properties that are `undefined`. */
export function toItem(values: object): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) item[name] = toAttribute(value);
  }
  return item;
}

/** The JSON value of an attribute; `undefined` for a set or bytes, which JSON cannot express. */
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
