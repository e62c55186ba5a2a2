import type { Keys } from '../keys.js';
import { dynamoDbNeeds } from './dynamodb.js';
import { sqsNeeds } from './sqs.js';

/** An object of JSON. */
export type Input = Readonly<Record<string, unknown>>;

/** An operation of an AWS service that somebody called. */
export interface ServiceCall {
  /** As in the scope of a signature: `dynamodb` or `sqs`. */
  readonly service: string;
  /** Such as `PutItem`. */
  readonly operation: string;
  readonly input: Input;
}

/** Where a service is. */
export interface ServicePlace {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  /**
   * The name of a table's or an index's partition key, if it is known.
   *
   * @default of none
   */
  readonly partitionKeyOf?:
    | ((table: string, index: string | undefined) => string | undefined)
    | undefined;
}

/** An action on a resource that a call needs, with the condition keys of its service. */
export interface Need {
  /** Such as `dynamodb:PutItem`. */
  readonly action: string;
  /** The ARN, or `*`. */
  readonly resource: string;
  readonly keys: Keys;
}

/**
 * The permissions that a call needs, all of them. None, if it lacks what every call of its operation has,
 * because then the service itself refuses it. `undefined`, if they are not known here.
 */
export function needsOf(call: ServiceCall, place: ServicePlace): readonly Need[] | undefined {
  if (call.service === 'dynamodb') return dynamoDbNeeds(call, place);
  if (call.service === 'sqs') return sqsNeeds(call, place);
  return undefined;
}
