import { attributesIn, partitionValuesIn } from './expressions.js';
import type { Input, Need, ServicePlace } from './needs.js';
import { textAt } from './read-input.js';

/** A request, or a part of one for a single table. */
interface TableRequest {
  readonly operation: string;
  /** The objects with the items, keys and expressions. */
  readonly items: readonly Input[];
  /** The object that says what is returned. */
  readonly select: Input;
  /** The whole request, which says whether the consumed capacity is returned. */
  readonly whole: Input;
  /** The transaction. @default none */
  readonly enclosing?: string | undefined;
}

/** Operations that return what `ReturnValues` says. */
const WRITES = new Set(['DeleteItem', 'PutItem', 'UpdateItem']);
const READS = new Set(['BatchGetItem', 'GetItem', 'Query', 'Scan']);
const ON_ITEMS = new Set([...WRITES, ...READS, 'BatchWriteItem', 'ConditionCheckItem']);

/**
 * The condition keys of DynamoDB (AWS: "Using IAM policy conditions for fine-grained access control"). A
 * parameter that is left out has its default value. Without `dynamodb:LeadingKeys`, if the partition key of
 * the table is not known.
 */
export function dynamoDbKeys(
  { operation, items, select, whole, enclosing }: TableRequest,
  place: ServicePlace,
): Need['keys'] {
  const isOnItems = ON_ITEMS.has(operation);
  const attributes = isOnItems ? [...new Set(items.flatMap(attributesIn))] : [];
  const keys = new Map<string, string | readonly string[] | undefined>([
    ['dynamodb:attributes', attributes.length > 0 ? attributes : undefined],
    ['dynamodb:enclosingoperation', enclosing],
    [
      'dynamodb:returnconsumedcapacity',
      isOnItems ? (textAt(whole, 'ReturnConsumedCapacity') ?? 'NONE') : undefined,
    ],
    [
      'dynamodb:returnvalues',
      WRITES.has(operation) ? (textAt(select, 'ReturnValues') ?? 'NONE') : undefined,
    ],
    ['dynamodb:select', READS.has(operation) ? selectOf(select) : undefined],
  ]);
  // A scan reads all partitions.
  if (!isOnItems || operation === 'Scan') return keys.set('dynamodb:leadingkeys', undefined);
  const [table, index] = [textAt(items[0] ?? {}, 'TableName'), textAt(select, 'IndexName')];
  const partitionKey = table === undefined ? undefined : place.partitionKeyOf?.(table, index);
  if (partitionKey === undefined) return keys;
  const values = items.flatMap((item) => partitionValuesIn(item, partitionKey));
  // Every query has one. Without any, a condition for all values would be true.
  if (operation === 'Query' && values.length === 0) return keys;
  return keys.set('dynamodb:leadingkeys', [...new Set(values)]);
}

/** The parameter `Select`, and its default. */
function selectOf(request: Input): string {
  const given = textAt(request, 'Select');
  if (given !== undefined) return given;
  const isProjected =
    textAt(request, 'ProjectionExpression') !== undefined ||
    request['AttributesToGet'] !== undefined;
  if (isProjected) return 'SPECIFIC_ATTRIBUTES';
  return textAt(request, 'IndexName') === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES';
}
