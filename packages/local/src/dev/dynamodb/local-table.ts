/**
 * A table of the embedded DynamoDB, with the names of DynamoDB's `CreateTable`.
 *
 * @group Start here
 */
export interface LocalTable {
  readonly TableName: string;
  /** The types of the attributes that are keys. */
  readonly AttributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: 'S' | 'N' | 'B';
  }[];
  readonly KeySchema: readonly {
    readonly AttributeName: string;
    readonly KeyType: 'HASH' | 'RANGE';
  }[];
  /** @default none */
  readonly GlobalSecondaryIndexes?: LocalTable['LocalSecondaryIndexes'];
  /** @default none */
  readonly LocalSecondaryIndexes?:
    | readonly {
        readonly IndexName: string;
        readonly KeySchema: LocalTable['KeySchema'];
        readonly Projection: {
          readonly ProjectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
          readonly NonKeyAttributes?: readonly string[];
        };
      }[]
    | undefined;
}
