/**
 * What the table of a {@link dynamoDbStore} must look like, in the terms of DynamoDB's API.
 *
 * @group Deployment
 */
export interface TableDefinition {
  readonly AttributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: 'S';
  }[];
  readonly KeySchema: readonly {
    readonly AttributeName: string;
    readonly KeyType: 'HASH' | 'RANGE';
  }[];
  readonly BillingMode: 'PAY_PER_REQUEST';
  readonly TimeToLiveSpecification: { readonly AttributeName: string; readonly Enabled: true };
}

/**
 * The table of a {@link dynamoDbStore}, as input for `CreateTable` and `UpdateTimeToLive`. It needs no
 * index. Provisioned capacity works as well.
 *
 * @group Deployment
 */
export const tableDefinition: TableDefinition = {
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
  TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
};

/**
 * The actions that the function's role needs on the table. A {@link dynamoDbStore} calls no others.
 *
 * @group Deployment
 */
export const iamActions: readonly string[] = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];

/**
 * The actions that a role needs on the table to publish. A publisher on a {@link dynamoDbStore} calls no others.
 *
 * @group Deployment
 */
export const publisherActions: readonly string[] = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];

/**
 * The actions that a role needs on a table with nothing but the log, as in `composeStore({ connections:
 * redisStore(), log: dynamoDbStore() })`.
 *
 * @group Deployment
 */
export const logActions: readonly string[] = [
  'dynamodb:BatchGetItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];
