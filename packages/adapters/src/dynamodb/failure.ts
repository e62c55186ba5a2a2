import { StoreError } from '@gatecast/framework';

/** What was being done when DynamoDB failed. */
export interface Attempted {
  /** What the store was to do, after "could not". */
  readonly operation: string;
  /** The action of DynamoDB's API: `PutItem`. */
  readonly action: string;
  readonly table: string;
  readonly region: string;
}

interface AwsError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

// Amazon DynamoDB developer guide, "Error handling with DynamoDB".
const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);
const BAD_CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
]);

/** Whether a condition of the request did not hold: an answer, not a failure. */
export function isConditionFailed(error: unknown): boolean {
  return (error as Error).name === 'ConditionalCheckFailedException';
}

/** Whether the same request may succeed in a moment. */
export function isTransient(error: unknown): boolean {
  const { name, $metadata } = error as AwsError;
  return (
    THROTTLED.has(name) ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    networkFault(error) !== undefined
  );
}

/** The store's error for one of the AWS client's. */
export function toStoreError(error: unknown, attempted: Attempted): StoreError {
  const { operation } = attempted;
  // Its message may quote the signed request, and with it the session token.
  const cause = (error as Error).name === 'InvalidSignatureException' ? undefined : error;
  return StoreError.of({ store: 'dynamodb', operation, cause, ...explain(error, attempted) });
}

/** The error when a batch is still not written at the end of the budget. */
export function leftUnprocessed({ operation, table, region }: Attempted): StoreError {
  const reason = `DynamoDB left items of a batch for the table "${table}" in ${region} unprocessed, and the time to try again is over.`;
  return StoreError.of({ store: 'dynamodb', operation, reason });
}

function explain(
  error: unknown,
  { action, table, region }: Attempted,
): { readonly reason: string; readonly advice?: string } {
  const { name, message, $metadata } = error as AwsError;
  const where = `the table "${table}" in ${region}`;
  const status = $metadata?.httpStatusCode;
  if (THROTTLED.has(name)) {
    return { reason: `DynamoDB throttles ${where} (${name}), and the time to try again is over.` };
  }
  const fault = networkFault(error);
  if (fault !== undefined)
    return { reason: `DynamoDB in ${region} could not be reached (${fault}).` };
  if (status !== undefined && status >= 500) {
    return { reason: `DynamoDB failed at ${action} on ${where}: ${name} (${status}).` };
  }
  if (name === 'ResourceNotFoundException') {
    return {
      reason: `There is no table "${table}" in ${region}.`,
      advice: `Set GATECAST_TABLE to the name of a table in ${region}, and grant dynamodb:${action} on it to the function's role.`,
    };
  }
  if (name === 'AccessDeniedException') {
    return {
      reason: `dynamodb:${action} on ${where} is not allowed.`,
      advice: `Grant dynamodb:${action} on the table "${table}" to the function's role; iamActions lists all that the store needs.`,
    };
  }
  if (BAD_CREDENTIALS.has(name)) {
    return {
      reason: `DynamoDB did not accept the credentials for ${action} on ${where} (${name}).`,
      advice: 'Give the process valid AWS credentials; on Lambda the role of the function does.',
    };
  }
  if (name === 'ValidationException') {
    return {
      reason: `DynamoDB did not accept ${action} on ${where}: ${message}`,
      advice: 'Compare the table with tableDefinition: its keys are pk and sk, both strings.',
    };
  }
  return {
    reason: `DynamoDB refused ${action} on ${where}: ${name}${status === undefined ? '' : ` (${status})`}.`,
    advice: `Look ${name} up in the DynamoDB developer guide, "Error handling with DynamoDB".`,
  };
}

function networkFault(error: unknown): string | undefined {
  const { name, code, $metadata } = error as AwsError;
  if (name === 'AbortError') return 'no answer in time';
  if (name === 'TimeoutError') return code ?? name;
  // Codes of the operating system; those of Node itself begin with ERR_ and mean a mistake.
  const isNetwork = code !== undefined && /^E[A-Z]+(_AGAIN)?$/.test(code);
  return isNetwork && $metadata?.httpStatusCode === undefined ? code : undefined;
}
