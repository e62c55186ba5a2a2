import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as sqs from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { type Input, needsOf } from '../../src/iam/needs/needs.js';

const place = {
  partition: 'aws',
  region: 'eu-central-1',
  accountId: '123456789012',
  partitionKeyOf: (table: string, index?: string) =>
    table === 'orders' ? (index === undefined ? 'pk' : 'email') : undefined,
};
const table = 'arn:aws:dynamodb:eu-central-1:123456789012:table';
const queue = 'arn:aws:sqs:eu-central-1:123456789012:jobs';

/** The actions and resources that a call needs, as `ACTION RESOURCE`. */
function needed(service: string, operation: string, input: Input): string[] | undefined {
  const needs = needsOf({ service, operation, input }, place);
  return needs?.map(({ action, resource }) => `${action} ${resource}`);
}

/** One of DynamoDB's condition keys, for each thing that a call needs. */
function keys(name: string, operation: string, input: Input): unknown[] | undefined {
  const needs = needsOf({ service: 'dynamodb', operation, input }, place);
  return needs?.map((need) =>
    need.keys.has(name) ? (need.keys.get(name) ?? 'absent') : 'not known',
  );
}

const operationsOf = (client: object): string[] =>
  Object.keys(client).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1] ?? []);

describe('what a call of DynamoDB needs', () => {
  it.each([
    ['GetItem', { TableName: 'orders' }, [`dynamodb:GetItem ${table}/orders`]],
    ['PutItem', { TableName: `${table}/far` }, [`dynamodb:PutItem ${table}/far`]],
    ['Query', { TableName: 'orders' }, [`dynamodb:Query ${table}/orders`]],
    [
      'Query',
      { TableName: 'orders', IndexName: 'byEmail' },
      [`dynamodb:Query ${table}/orders/index/byEmail`],
    ],
    [
      'Scan',
      { TableName: 'orders', IndexName: 'byEmail' },
      [`dynamodb:Scan ${table}/orders/index/byEmail`],
    ],
    ['ListTables', {}, ['dynamodb:ListTables *']],
    ['DescribeTable', { TableName: 'orders' }, [`dynamodb:DescribeTable ${table}/orders`]],
    [
      'ListTagsOfResource',
      { ResourceArn: `${table}/orders` },
      [`dynamodb:ListTagsOfResource ${table}/orders`],
    ],
    [
      'UpdateGlobalTable',
      { GlobalTableName: 'all' },
      [
        'dynamodb:UpdateGlobalTable arn:aws:dynamodb::123456789012:global-table/all',
        `dynamodb:UpdateGlobalTable ${table}/all`,
      ],
    ],
  ])('is the action of the same name on its resource: %s', (operation, input, expected) => {
    expect(needed('dynamodb', operation, input)).toEqual(expected);
  });

  it('is an action of its own for a batch, on each table', () => {
    const RequestItems = { orders: { Keys: [{ pk: { S: 'a' } }] }, notes: { Keys: [] } };
    expect(needed('dynamodb', 'BatchGetItem', { RequestItems })).toEqual([
      `dynamodb:BatchGetItem ${table}/orders`,
      `dynamodb:BatchGetItem ${table}/notes`,
    ]);
    const writes = { orders: [{ PutRequest: { Item: { pk: { S: 'a' } } } }] };
    expect(needed('dynamodb', 'BatchWriteItem', { RequestItems: writes })).toEqual([
      `dynamodb:BatchWriteItem ${table}/orders`,
    ]);
  });

  it('is the action of each item of a transaction, and no action of its own', () => {
    const on = { TableName: 'orders' };
    const items = [{ Put: on }, { Update: on }, { Delete: on }, { ConditionCheck: on }];
    expect(needed('dynamodb', 'TransactWriteItems', { TransactItems: items })).toEqual([
      `dynamodb:PutItem ${table}/orders`,
      `dynamodb:UpdateItem ${table}/orders`,
      `dynamodb:DeleteItem ${table}/orders`,
      `dynamodb:ConditionCheckItem ${table}/orders`,
    ]);
    const reads = { TransactItems: [{ Get: on }, { Get: { TableName: 'notes' } }] };
    expect(needed('dynamodb', 'TransactGetItems', reads)).toEqual([
      `dynamodb:GetItem ${table}/orders`,
      `dynamodb:GetItem ${table}/notes`,
    ]);
    const enclosing = 'dynamodb:enclosingoperation';
    expect(keys(enclosing, 'TransactGetItems', reads)).toEqual([
      'TransactGetItems',
      'TransactGetItems',
    ]);
    expect(keys(enclosing, 'GetItem', on)).toEqual(['absent']);
  });

  it('is not known for PartiQL, for operations on whole tables, and for those that are new', () => {
    const everything = {
      TableName: 'orders',
      GlobalTableName: 'orders',
      ResourceArn: `${table}/orders`,
      BackupArn: 'arn:b',
      ExportArn: 'arn:e',
      ImportArn: 'arn:i',
      RequestItems: { orders: {} },
      TransactItems: [{ Get: { TableName: 'orders' } }],
    };
    const operations = operationsOf(dynamodb);
    const unknown = operations.filter((name) => !needed('dynamodb', name, everything));
    expect(unknown.sort()).toEqual([
      'BatchExecuteStatement',
      'CancelBulkOperation',
      'DescribeBulkOperation',
      'ExecuteStatement',
      'ExecuteTransaction',
      'ExportTableToPointInTime',
      'ImportTable',
      'ListBulkOperations',
      'RestoreTableFromBackup',
      'RestoreTableToPointInTime',
      'SearchVectors',
      'StartBulkPutItems',
    ]);
    const silent = operations.filter((name) => needed('dynamodb', name, everything)?.length === 0);
    expect(silent).toEqual([]);
  });

  it('is nothing if there is no table, because DynamoDB itself refuses that', () => {
    expect(needed('dynamodb', 'GetItem', {})).toEqual([]);
    expect(needed('dynamodb', 'BatchGetItem', { RequestItems: [] })).toEqual([]);
    expect(needed('dynamodb', 'TransactGetItems', { TransactItems: 'x' })).toEqual([]);
    expect(needed('dynamodb', 'TransactGetItems', { TransactItems: [null, { Get: 1 }] })).toEqual(
      [],
    );
  });
});

describe('the condition keys of DynamoDB', () => {
  const orders = { TableName: 'orders' };
  const inParentheses = {
    KeyConditionExpression: 'begins_with(sk, :s) AND ((#k) = (:p))',
    ExpressionAttributeNames: { '#k': 'pk' },
    ExpressionAttributeValues: { ':p': { S: 'ann' }, ':s': { S: 'x' } },
  };
  const one = { pk: { S: 'a' }, sk: { N: '1' } };

  it.each<[string, Input, unknown]>([
    ['GetItem', { ...orders, Key: one }, ['a']],
    ['PutItem', { ...orders, Item: { ...one, text: { S: 'x' } } }, ['a']],
    ['UpdateItem', { ...orders, Key: { pk: { N: '7' } } }, ['7']],
    ['DeleteItem', { ...orders, Key: { pk: { B: 'YQ==' } } }, ['YQ==']],
    ['BatchGetItem', { RequestItems: { orders: { Keys: [one, { pk: { S: 'b' } }] } } }, ['a', 'b']],
    [
      'BatchWriteItem',
      {
        RequestItems: {
          orders: [
            { PutRequest: { Item: one } },
            { DeleteRequest: { Key: { pk: { S: 'b' } } } },
            { PutRequest: { Item: one } },
          ],
        },
      },
      ['a', 'b'],
    ],
    [
      'Query',
      {
        ...orders,
        KeyConditionExpression: 'begins_with(sk, :s) AND #p = :p',
        ExpressionAttributeNames: { '#p': 'pk' },
        ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { S: 'b' } },
      },
      ['a'],
    ],
    [
      'Query',
      {
        ...orders,
        IndexName: 'byEmail',
        KeyConditionExpression: ':p=email and sk=:s',
        ExpressionAttributeValues: { ':p': { S: 'a@b' }, ':s': { S: 'b' } },
      },
      ['a@b'],
    ],
    [
      'Query',
      {
        ...orders,
        KeyConditions: { pk: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'a' }] } },
      },
      ['a'],
    ],
    ['Scan', orders, 'absent'],
    ['DescribeTable', orders, 'absent'],
    ['Query', { ...orders, ...inParentheses }, ['ann']],
    ['Query', orders, 'not known'],
    ['GetItem', { TableName: 'elsewhere', Key: one }, 'not known'],
  ])('has the partition keys of %s in LeadingKeys', (operation, input, expected) => {
    expect(keys('dynamodb:leadingkeys', operation, input)).toEqual([expected]);
  });

  it.each(['a', 'a ', 'a.', ':', '=', '('])(
    'is found soon in an expression of many "%s"',
    (text) => {
      const [KeyConditionExpression, FilterExpression] = [
        text.repeat(300_000),
        text.repeat(300_000),
      ];
      const input = { ...orders, KeyConditionExpression, FilterExpression };
      expect(keys('dynamodb:leadingkeys', 'Query', input)).toEqual(['not known']);
    },
  );

  it.each<[string, Input, unknown]>([
    ['GetItem', { Key: one, ProjectionExpression: 'a.b[0].c, #d.#e, f' }, 'a d f pk sk'],
    [
      'PutItem',
      { Item: one, ConditionExpression: 'attribute_not_exists(pk) OR size (g)>:n' },
      'pk g sk',
    ],
    [
      'UpdateItem',
      { Key: one, UpdateExpression: 'SET a = if_not_exists(b, :z), c=c + :n REMOVE #d ADD h :n' },
      'a b c d h pk sk',
    ],
    ['Query', { KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b' }, 'pk sk'],
    ['Query', { FilterExpression: 'NOT (a IN (:x, :y)) AND contains(b, :c)' }, 'a b'],
    ['Scan', { AttributesToGet: ['a', 'b'], ScanFilter: { c: {} } }, 'c a b'],
    ['UpdateItem', { AttributeUpdates: { a: {} }, Expected: { b: {} } }, 'a b'],
    ['Scan', {}, 'absent'],
    ['UpdateTable', { AttributeDefinitions: [] }, 'absent'],
  ])('has the attributes of %s in Attributes', (operation, input, expected) => {
    const ExpressionAttributeNames = { '#d': 'd', '#e': 'e' };
    const [found] =
      keys('dynamodb:attributes', operation, { ...orders, ...input, ExpressionAttributeNames }) ??
      [];
    expect(Array.isArray(found) ? found.join(' ') : found).toBe(expected);
  });

  it('has parameters, or their defaults', () => {
    const select = (operation: string, input: Input) =>
      keys('dynamodb:select', operation, { ...orders, ...input })?.[0];
    expect(select('Query', { Select: 'COUNT' })).toBe('COUNT');
    expect(select('Query', {})).toBe('ALL_ATTRIBUTES');
    expect(select('Scan', { IndexName: 'byEmail' })).toBe('ALL_PROJECTED_ATTRIBUTES');
    expect(select('GetItem', { ProjectionExpression: 'a' })).toBe('SPECIFIC_ATTRIBUTES');
    expect(select('PutItem', {})).toBe('absent');
    const returned = (operation: string, input: Input) =>
      keys('dynamodb:returnvalues', operation, { ...orders, ...input })?.[0];
    expect(returned('UpdateItem', { ReturnValues: 'ALL_NEW' })).toBe('ALL_NEW');
    expect(returned('DeleteItem', {})).toBe('NONE');
    expect(returned('GetItem', {})).toBe('absent');
  });

  it.each([
    ['GetItem', orders],
    ['BatchGetItem', { RequestItems: { orders: { Keys: [] } } }],
    ['BatchWriteItem', { RequestItems: { orders: [] } }],
    ['TransactGetItems', { TransactItems: [{ Get: orders }] }],
    ['TransactWriteItems', { TransactItems: [{ Put: orders }] }],
  ])('says of %s whether the consumed capacity is returned', (operation, input) => {
    const name = 'dynamodb:returnconsumedcapacity';
    expect(keys(name, operation, input)).toEqual(['NONE']);
    const ReturnConsumedCapacity = 'TOTAL';
    expect(keys(name, operation, { ...input, ReturnConsumedCapacity })).toEqual(['TOTAL']);
  });
});

describe('what a call of SQS needs', () => {
  const QueueUrl = 'https://sqs.eu-central-1.amazonaws.com/123456789012/jobs';

  it.each([
    ['SendMessage', 'SendMessage'],
    ['SendMessageBatch', 'SendMessage'],
    ['DeleteMessageBatch', 'DeleteMessage'],
    ['ChangeMessageVisibilityBatch', 'ChangeMessageVisibility'],
    ['ReceiveMessage', 'ReceiveMessage'],
  ])('is for %s the action %s', (operation, action) => {
    expect(needed('sqs', operation, { QueueUrl })).toEqual([`sqs:${action} ${queue}`]);
  });

  it.each([
    [{ QueueUrl: 'http://localhost:9324/000000000000/jobs' }, queue],
    [{ QueueUrl: 'http://localhost:9324/queue/jobs' }, queue],
    [{ QueueUrl: 'http://localhost:9324/jobs' }, queue],
    [{ QueueUrl: 'http://localhost:9324//123456789012/jobs//' }, queue],
    [{ QueueUrl: '/123456789012/jobs' }, queue],
    [{ QueueUrl: '//localhost/123456789012/jobs' }, queue],
    [{ QueueUrl: 'jobs' }, queue],
    [{ QueueUrl: 'http://sqs.us-east-1.localhost:4566/123456789012/jobs' }, queue],
    [
      { QueueUrl: 'https://sqs.us-east-1.amazonaws.com/210987654321/far.fifo' },
      'arn:aws:sqs:us-east-1:210987654321:far.fifo',
    ],
    [{ QueueName: 'jobs' }, queue],
    [
      { QueueName: 'far', QueueOwnerAWSAccountId: '210987654321' },
      'arn:aws:sqs:eu-central-1:210987654321:far',
    ],
  ])('is on the queue of %o', (input, resource) => {
    expect(needed('sqs', 'GetQueueUrl', input)).toEqual([`sqs:GetQueueUrl ${resource}`]);
  });

  it('is known for all operations but those that move messages', () => {
    const operations = operationsOf(sqs);
    expect(operations.filter((name) => !needed('sqs', name, { QueueUrl })).sort()).toEqual([
      'CancelMessageMoveTask',
      'ListMessageMoveTasks',
      'StartMessageMoveTask',
    ]);
    expect(needed('sqs', 'ListQueues', {})).toEqual(['sqs:ListQueues *']);
    expect(needed('sqs', 'SendMessage', {})).toEqual([]);
    expect(needed('sqs', 'SendMessage', { QueueUrl: 'http://localhost:9324' })).toEqual([]);
  });

  it('is not known for another service', () => {
    expect(needed('sns', 'Publish', {})).toBeUndefined();
  });
});
