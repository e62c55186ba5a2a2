import type { QueryInput, QueryOutput } from '@aws-sdk/client-dynamodb';
import { checkCondition } from './check-condition.js';
import { meets, Names } from './evaluate.js';
import { type Condition, parseCondition, ValidationException } from './expression.js';
import { project } from './project.js';
import type { Partition, Row } from './rows.js';
import { bytesOf, compareText, type Item } from './values.js';

interface Context {
  /** The state that is read. */
  readonly time: number;
  readonly pageBytes: number;
  readonly partition: (pk: string) => Partition | undefined;
}

/** One page of a Query. */
export function query(input: QueryInput, { time, pageBytes, partition }: Context): QueryOutput {
  const names = new Names(input);
  const { KeyConditionExpression = '', FilterExpression, ProjectionExpression } = input;
  names.checkUse(KeyConditionExpression, FilterExpression, ProjectionExpression);
  if (FilterExpression !== undefined) checkCondition(parseCondition(FilterExpression), names);
  const isBackward = input.ScanIndexForward === false;
  const pk = partitionKeyOf(KeyConditionExpression, names);
  const found: Item[] = [];
  let bytes = 0;
  let evaluated = 0;
  let last: Item | undefined;
  for (const [row, item] of rowsAfter(partition(pk), {
    start: input.ExclusiveStartKey,
    isBackward,
    time,
  })) {
    if (!meets(keyItem(pk, row.sk), KeyConditionExpression, names)) continue;
    // A page ends after the row with which it reaches its size, or its limit.
    if (evaluated === input.Limit || bytes >= pageBytes) {
      return output({ items: found, last }, input, names);
    }
    evaluated += 1;
    bytes += bytesOf(item);
    last = keyItem(pk, row.sk);
    if (FilterExpression === undefined || meets(item, FilterExpression, names)) found.push(item);
  }
  // DynamoDB does not know whether another row would follow the one that has reached the limit.
  return output({ items: found, last: evaluated === input.Limit ? last : undefined }, input, names);
}

function* rowsAfter(
  partition: Partition | undefined,
  {
    start,
    isBackward,
    time,
  }: {
    readonly start: QueryInput['ExclusiveStartKey'];
    readonly isBackward: boolean;
    readonly time: number;
  },
): Generator<readonly [Row, Item]> {
  const after = start?.['sk']?.S;
  const rows = partition?.sorted ?? [];
  for (const row of isBackward ? rows.toReversed() : rows) {
    const order = after === undefined ? 1 : compareText(row.sk, after) * (isBackward ? -1 : 1);
    const item = order > 0 ? row.itemAt(time) : undefined;
    if (item) yield [row, item];
  }
}

function output(
  { items, last }: { readonly items: readonly Item[]; readonly last: Item | undefined },
  { ProjectionExpression, Select }: QueryInput,
  names: Names,
): QueryOutput {
  return {
    ...(Select !== 'COUNT' && {
      Items: items.map((item) => project(item, ProjectionExpression, names)),
    }),
    Count: items.length,
    ...(last && { LastEvaluatedKey: last }),
  };
}

function keyItem(pk: string, sk: string): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

function partitionKeyOf(expression: string, names: Names): string {
  const condition = parseCondition(expression);
  const parts: readonly Condition[] = condition.kind === 'and' ? condition.of : [condition];
  for (const part of parts) {
    if (part.kind !== 'compare' || part.comparator !== '=' || part.left.kind !== 'path') continue;
    if (names.resolve(part.left.path)[0] !== 'pk' || part.right.kind !== 'value') continue;
    const pk = names.value(part.right.name).S;
    if (pk) return pk;
  }
  throw new ValidationException('The key condition names no partition.');
}
