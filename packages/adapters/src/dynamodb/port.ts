import type {
  BatchGetItemInput,
  BatchGetItemOutput,
  BatchWriteItemInput,
  BatchWriteItemOutput,
  DeleteItemInput,
  DeleteItemOutput,
  GetItemInput,
  GetItemOutput,
  PutItemInput,
  PutItemOutput,
  QueryInput,
  QueryOutput,
  UpdateItemInput,
  UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';

/** The operations of DynamoDB's API that the store calls: input and output of each. */
export interface Operations {
  readonly BatchGetItem: readonly [BatchGetItemInput, BatchGetItemOutput];
  readonly BatchWriteItem: readonly [BatchWriteItemInput, BatchWriteItemOutput];
  readonly DeleteItem: readonly [DeleteItemInput, DeleteItemOutput];
  readonly GetItem: readonly [GetItemInput, GetItemOutput];
  readonly PutItem: readonly [PutItemInput, PutItemOutput];
  readonly Query: readonly [QueryInput, QueryOutput];
  readonly UpdateItem: readonly [UpdateItemInput, UpdateItemOutput];
}

export type OperationName = keyof Operations;
export type InputOf<O extends OperationName> = Operations[O][0];
export type OutputOf<O extends OperationName> = Operations[O][1];

/** How long a call may take. */
export interface CallLimit {
  /** Aborted when the answer is no longer needed. */
  readonly signal: AbortSignal;
  /** When that will be at the latest, in milliseconds since 1970. No request may be sent afterwards. */
  readonly endsAt: number;
}

/**
 * DynamoDB as the store sees it. An implementation makes one attempt; the store decides about retries.
 */
export interface DynamoDbPort {
  /**
   * Calls an operation.
   *
   * @throws Error - like the AWS client. For an error answer of DynamoDB, `name` is the exception and
   * `$metadata.httpStatusCode` the status; for a network fault, `code` is set. If a condition was not met,
   * `Item` is the old item, where the input asked for it.
   */
  call<O extends OperationName>(
    operation: O,
    input: InputOf<O>,
    limit: CallLimit,
  ): Promise<OutputOf<O>>;
}
