import type {
  BatchGetItemInput,
  BatchGetItemOutput,
  BatchWriteItemInput,
  BatchWriteItemOutput,
  DeleteItemInput,
  DeleteItemOutput,
  GetItemInput,
  GetItemOutput,
  QueryInput,
  QueryOutput,
  UpdateItemInput,
  UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';

/** The operations of DynamoDB's API that the store calls: what each takes and answers. */
export interface Operations {
  readonly BatchGetItem: readonly [BatchGetItemInput, BatchGetItemOutput];
  readonly BatchWriteItem: readonly [BatchWriteItemInput, BatchWriteItemOutput];
  readonly DeleteItem: readonly [DeleteItemInput, DeleteItemOutput];
  readonly GetItem: readonly [GetItemInput, GetItemOutput];
  readonly Query: readonly [QueryInput, QueryOutput];
  readonly UpdateItem: readonly [UpdateItemInput, UpdateItemOutput];
}

/** Name of an operation. */
export type OperationName = keyof Operations;
/** What an operation takes. */
export type InputOf<O extends OperationName> = Operations[O][0];
/** What an operation answers. */
export type OutputOf<O extends OperationName> = Operations[O][1];

/** How long a call may take. */
export interface CallLimit {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** When that will be, in milliseconds since 1970. */
  readonly endsAt: number;
}

/**
 * DynamoDB as the store sees it. An implementation makes one attempt: when to try again is for the
 * store to say.
 */
export interface DynamoDbPort {
  /**
   * Calls an operation.
   *
   * @throws Error - as the AWS client does. An answer of DynamoDB has the exception's `name` and the
   * status as `$metadata.httpStatusCode`; a fault of the network has a `code`.
   */
  call<O extends OperationName>(
    operation: O,
    input: InputOf<O>,
    limit: CallLimit,
  ): Promise<OutputOf<O>>;
}
