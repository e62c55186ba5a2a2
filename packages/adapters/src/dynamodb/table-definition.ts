/** What the table of a {@link dynamoDbStore} has to be, in the terms of DynamoDB's API. */
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
 * The table of a {@link dynamoDbStore}, as `CreateTable` and `UpdateTimeToLive` take it. No index.
 * Provisioned capacity works as well.
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

/** What the function's role must be allowed on the table, and all that a {@link dynamoDbStore} calls. */
export const iamActions: readonly string[] = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
];
