import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Random } from '../src/world/random.js';

/** One call, as it is sent. */
export interface Call {
  readonly operation: string;
  readonly input: Record<string, unknown>;
}

type Values = Record<string, AttributeValue>;

/** Names and values that an expression refers to; only those that it uses are sent. */
class Expressions {
  readonly #random: Random;
  readonly names: Record<string, string> = {};
  readonly values: Values = {};

  constructor(random: Random) {
    this.#random = random;
  }

  name(attribute: string): string {
    this.names[`#${attribute}`] = attribute;
    return `#${attribute}`;
  }

  value(value: AttributeValue): string {
    const name = `:v${Object.keys(this.values).length}`;
    this.values[name] = value;
    return name;
  }

  /** A place in an item; sometimes one that does not exist. */
  path(): string {
    const random = this.#random;
    if (random.chance(0.35))
      return `${this.name('ids')}.${this.name(random.pick(['a', 'b', 'c']))}`;
    return this.name(random.pick(['top', 'floor', 'text', 'tags', 'ids', 'absent']));
  }

  condition(depth: number = 0): string {
    const random = this.#random;
    if (depth < 2 && random.chance(0.4)) {
      const [left, right] = [this.condition(depth + 1), this.condition(depth + 1)];
      return random.pick([
        `${left} AND ${right}`,
        `${left} OR ${right}`,
        `(${left} OR ${right})`,
        `NOT ${left}`,
        `NOT (${left} AND ${right})`,
      ]);
    }
    const comparator = random.pick(['=', '<>', '<', '<=', '>', '>=']);
    switch (random.below(8)) {
      case 0:
        return `attribute_exists(${this.path()})`;
      case 1:
        return `attribute_not_exists(${this.path()})`;
      case 2:
        return `${this.path()} ${comparator} ${this.path()}`;
      case 3:
        return `size(${this.path()}) ${comparator} ${this.value({ N: '2' })}`;
      case 4:
        return `contains(${this.path()}, ${this.value({ S: random.pick(['x', 'y', 'xy']) })})`;
      case 5:
        return `begins_with(${this.path()}, ${this.value({ S: 'x' })})`;
      case 6:
        return `${this.path()} BETWEEN ${this.value({ N: '1' })} AND ${this.value({ N: '3' })}`;
      default:
        return `${this.path()} ${comparator} ${this.value(plainValue(random))}`;
    }
  }

  update(): string {
    const random = this.#random;
    const parts = new Map<string, string[]>();
    const add = (clause: string, text: string): void => {
      parts.set(clause, [...(parts.get(clause) ?? []), text]);
    };
    for (let left = random.between(1, 3); left > 0; left -= 1) {
      const path = this.path();
      switch (random.below(6)) {
        case 0:
          add('SET', `${path} = ${this.path()} + ${this.value({ N: '1' })}`);
          break;
        case 1:
          add('SET', `${path} = ${this.value(anyValue(random))}`);
          break;
        case 2:
          add('SET', `${path} = if_not_exists(${this.path()}, ${this.value(anyValue(random))})`);
          break;
        case 3:
          add('REMOVE', path);
          break;
        case 4:
          add('ADD', `${path} ${this.value(random.pick([{ N: '2' }, { SS: ['x', 'z'] }]))}`);
          break;
        default:
          add('DELETE', `${this.name('tags')} ${this.value({ SS: ['x', 'y'] })}`);
      }
    }
    return [...parts].map(([clause, texts]) => `${clause} ${texts.join(', ')}`).join(' ');
  }

  get attributes(): object {
    const isUsed = (of: object): boolean => Object.keys(of).length > 0;
    return {
      ...(isUsed(this.names) && { ExpressionAttributeNames: this.names }),
      ...(isUsed(this.values) && { ExpressionAttributeValues: this.values }),
    };
  }
}

/** A random call of those that the store makes, on a few rows. */
export function randomCall(random: Random, table: string): Call {
  const kind = random.pick([
    'get',
    'put',
    'update',
    'update',
    'update',
    'delete',
    'query',
    'batch',
  ]);
  const expressions = new Expressions(random);
  const base = { TableName: table };
  const condition = random.chance(0.6)
    ? {
        ConditionExpression: expressions.condition(),
        ...(random.chance(0.5) && { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      }
    : {};
  switch (kind) {
    case 'get':
      return { operation: 'GetItem', input: { ...base, Key: keyOf(random), ConsistentRead: true } };
    case 'put':
      return {
        operation: 'PutItem',
        input: {
          ...base,
          Item: itemOf(random),
          ...condition,
          ...expressions.attributes,
          ReturnValues: random.pick(['NONE', 'ALL_OLD']),
        },
      };
    case 'update':
      return {
        operation: 'UpdateItem',
        input: {
          ...base,
          Key: keyOf(random),
          UpdateExpression: expressions.update(),
          ...condition,
          ...expressions.attributes,
          ReturnValues: random.pick(['NONE', 'ALL_NEW', 'ALL_OLD']),
        },
      };
    case 'delete':
      return {
        operation: 'DeleteItem',
        input: { ...base, Key: keyOf(random), ...condition, ...expressions.attributes },
      };
    case 'query':
      return randomQuery(random, table);
    default:
      return randomBatch(random, table);
  }
}

function randomQuery(random: Random, table: string): Call {
  const expressions = new Expressions(random);
  const pk = keyOf(random)['pk'] as AttributeValue;
  const range = random.pick([
    '',
    ' AND sk > :from',
    ' AND sk >= :from',
    ' AND sk BETWEEN :from AND :to',
  ]);
  const filter = random.chance(0.3) ? { FilterExpression: expressions.condition() } : {};
  const { ExpressionAttributeNames, ExpressionAttributeValues } = expressions.attributes as {
    ExpressionAttributeNames?: object;
    ExpressionAttributeValues?: object;
  };
  const limit = random.chance(0.5) ? { Limit: random.between(1, 4) } : {};
  // DynamoDB Local ends a backward Query at a row that is itself the end of the range; do not depend on it.
  const suffix = 'Limit' in limit ? '!' : '';
  const hasFilter = 'FilterExpression' in filter;
  return {
    operation: 'Query',
    input: {
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: `pk = :pk${range}`,
      ...filter,
      ...(hasFilter && ExpressionAttributeNames && { ExpressionAttributeNames }),
      ExpressionAttributeValues: {
        ...(hasFilter && ExpressionAttributeValues),
        ':pk': pk,
        ...(range && { ':from': { S: `k${random.below(6)}${suffix}` } }),
        ...(range.includes(':to') && { ':to': { S: 'k9' } }),
      },
      ...limit,
      ...(random.chance(0.5) && { ScanIndexForward: random.chance(0.5) }),
      ...(range === '' &&
        random.chance(0.3) && { ExclusiveStartKey: { pk, sk: { S: `k${random.below(8)}` } } }),
    },
  };
}

function randomBatch(random: Random, table: string): Call {
  const keys = ['k0', 'k1', 'k2', 'k3', 'k4'].filter(() => random.chance(0.6));
  const pk = keyOf(random)['pk'] as AttributeValue;
  if (random.chance(0.5)) {
    return {
      operation: 'BatchGetItem',
      input: {
        RequestItems: {
          [table]: { ConsistentRead: true, Keys: keys.map((sk) => ({ pk, sk: { S: sk } })) },
        },
      },
    };
  }
  const requests = keys.map((sk) =>
    random.chance(0.4)
      ? { DeleteRequest: { Key: { pk, sk: { S: sk } } } }
      : { PutRequest: { Item: { ...itemOf(random), pk, sk: { S: sk } } } },
  );
  return { operation: 'BatchWriteItem', input: { RequestItems: { [table]: requests } } };
}

function keyOf(random: Random): Values {
  return { pk: { S: random.pick(['A', 'B']) }, sk: { S: `k${random.below(6)}` } };
}

function itemOf(random: Random): Values {
  return {
    ...keyOf(random),
    ...(random.chance(0.8) && { top: { N: String(random.below(5)) } }),
    ...(random.chance(0.6) && { floor: { N: String(random.below(5)) } }),
    ...(random.chance(0.5) && { text: { S: random.pick(['x', 'xy', 'z']) } }),
    ...(random.chance(0.5) && { tags: { SS: random.pick([['x'], ['x', 'y'], ['y', 'z']]) } }),
    ...(random.chance(0.7) && { ids: mapOf(random) }),
  };
}

function mapOf(random: Random): AttributeValue {
  return {
    M: {
      ...(random.chance(0.5) && { a: { N: '1' } }),
      ...(random.chance(0.5) && { b: { N: String(random.below(5)) } }),
    },
  };
}

function plainValue(random: Random): AttributeValue {
  return random.pick<AttributeValue>([
    { N: String(random.below(5)) },
    { S: random.pick(['x', 'xy']) },
    { SS: ['x'] },
  ]);
}

function anyValue(random: Random): AttributeValue {
  return random.chance(0.3) ? mapOf(random) : plainValue(random);
}
