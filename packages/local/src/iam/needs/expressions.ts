import { isObject } from '../outcome.js';
import type { Input } from './needs.js';
import { objectAt, textAt } from './read-input.js';

/** The words of expressions that never name an attribute, because they are reserved. */
const KEYWORDS = new Set(['ADD', 'AND', 'BETWEEN', 'DELETE', 'IN', 'NOT', 'OR', 'REMOVE', 'SET']);

const EXPRESSIONS = [
  'ConditionExpression',
  'FilterExpression',
  'KeyConditionExpression',
  'ProjectionExpression',
  'UpdateExpression',
];

/** Fields with an object whose keys are attributes; most of them older than expressions. */
const BY_ATTRIBUTE = [
  'AttributeUpdates',
  'Expected',
  'Item',
  'Key',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
];

/** The top-level attributes that a request names, each once. */
export function attributesIn(request: Input): readonly string[] {
  const { AttributesToGet: toGet, Keys: keys } = request;
  const names = [
    ...EXPRESSIONS.flatMap((name) => namesIn(textAt(request, name) ?? '', request)),
    ...BY_ATTRIBUTE.flatMap((name) => Object.keys(objectAt(request, name))),
    ...(Array.isArray(toGet) ? toGet.filter((name) => typeof name === 'string') : []),
    ...(Array.isArray(keys) ? keys.filter(isObject).flatMap((key) => Object.keys(key)) : []),
  ];
  return [...new Set(names)];
}

/** Names with `#` are replaced; functions, nested attributes and values are left out. */
function namesIn(expression: string, request: Input): string[] {
  const words = expression.matchAll(/(?<![\w:#.-])(#?[A-Za-z_]\w*|#\w+)(?!\w)(?!\s*\()/g);
  return [...words].flatMap(([, word = '']) => {
    if (word.startsWith('#')) return nameOf(word, request) ?? [];
    return KEYWORDS.has(word.toUpperCase()) ? [] : [word];
  });
}

function nameOf(word: string, request: Input): string | undefined {
  return word.startsWith('#') ? textAt(objectAt(request, 'ExpressionAttributeNames'), word) : word;
}

/** The values of a partition key in the items, keys and key conditions of a request, as texts. */
export function partitionValuesIn(request: Input, partitionKey: string): readonly string[] {
  const { Keys: keys } = request;
  const items = [objectAt(request, 'Key'), objectAt(request, 'Item')];
  if (Array.isArray(keys)) items.push(...keys.filter(isObject));
  const values = [
    ...items.map((item) => item[partitionKey]),
    queriedValue(request, partitionKey),
    ...oldQueriedValues(request, partitionKey),
  ];
  return values.map(textOf).filter((value) => value !== undefined);
}

/** Of `#pk = :pk`, or the other way round. Both may be in parentheses. */
function queriedValue(request: Input, partitionKey: string): unknown {
  const expression = textAt(request, 'KeyConditionExpression') ?? '';
  const values = objectAt(request, 'ExpressionAttributeValues');
  // Only from the start of a word, or a long one would take forever.
  for (const [, left = '', right = ''] of expression
    .replaceAll(/[()]/g, ' ')
    .matchAll(/(?<![\w.#:-])([#:]?[\w.-]+)\s*=\s*([#:]?[\w.-]+)/g)) {
    const [name, value] = left.startsWith(':') ? [right, left] : [left, right];
    if (nameOf(name, request) === partitionKey) return values[value];
  }
  return undefined;
}

function oldQueriedValues(request: Input, partitionKey: string): readonly unknown[] {
  const condition = objectAt(objectAt(request, 'KeyConditions'), partitionKey);
  const { AttributeValueList: values } = condition;
  return Array.isArray(values) ? values : [];
}

/** Of a value with its type, such as `{ S: 'a' }`; a binary one stays in Base64. */
function textOf(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  return textAt(value, 'S') ?? textAt(value, 'N') ?? textAt(value, 'B');
}
