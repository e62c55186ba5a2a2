import { StoreError } from '@gatecast/framework';
import type { OperationName } from './port.js';

/** The call that failed. */
export interface Attempted {
  /** Completes the message "The store … could not …". */
  readonly operation: string;
  /** The API action of DynamoDB. */
  readonly action: OperationName;
  readonly table: string;
  readonly region: string;
}

/** A call got no answer within its time limit. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

interface AwsError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

interface Explanation {
  readonly reason: string;
  /** Absent if the same call may succeed later. */
  readonly advice?: string;
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

const untrusted =
  'Set NODE_EXTRA_CA_CERTS to the file with the certificate of its authority before the process starts.';
const plain =
  'Use an endpoint that begins with http://, or the port on which the server speaks TLS.';

// Keys are the error codes of Node and OpenSSL.
const TLS_ADVICE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'Renew the certificate of the server.',
  CERT_NOT_YET_VALID: 'Set the clock of this machine, or renew the certificate of the server.',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  EPROTO: plain,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plain,
  ERR_SSL_WRONG_VERSION_NUMBER: plain,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use a host name in the endpoint that the certificate covers.',
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
};

/** Whether the condition of the request was not met, which is an answer and not a failure. */
export function isConditionFailed(error: unknown): boolean {
  return (error as Error).name === 'ConditionalCheckFailedException';
}

/** Whether DynamoDB was too busy to start the request. */
function isThrottled(error: unknown): boolean {
  return THROTTLED.has((error as Error).name);
}

/** Whether the same request may succeed in a moment. */
export function isTransient(error: unknown): boolean {
  const { $metadata } = error as AwsError;
  return (
    isThrottled(error) ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    networkFault(error) !== undefined
  );
}

/** Converts an error of the port to a `StoreError`. */
export function toStoreError(error: unknown, attempted: Attempted): StoreError {
  const { operation } = attempted;
  // Its message may quote the signed request, which contains the session token.
  const cause = (error as Error).name === 'InvalidSignatureException' ? undefined : error;
  return StoreError.of({ store: 'dynamodb', operation, cause, ...explain(error, attempted) });
}

/** The error when time runs out before a batch is complete. */
export function leftUnprocessed({ operation, table, region }: Attempted): StoreError {
  const reason = `DynamoDB left items of a batch for the table "${table}" in ${region} unprocessed, and there was no time left to try again.`;
  return StoreError.of({ store: 'dynamodb', operation, reason });
}

/** The error when no time is left for a call. */
export function outOfTime({ operation, action, table, region }: Attempted): StoreError {
  const reason = `Time ran out before ${action} on the table "${table}" in ${region}.`;
  return StoreError.of({ store: 'dynamodb', operation, reason });
}

function explain(error: unknown, { action, table, region }: Attempted): Explanation {
  const { name, message, $metadata } = error as AwsError;
  const where = `the table "${table}" in ${region}`;
  const status = $metadata?.httpStatusCode;
  if (isThrottled(error)) {
    return {
      reason: `DynamoDB throttles ${where} (${name}), and there was no time left to try again.`,
    };
  }
  const fault = networkFault(error);
  if (fault !== undefined) {
    return { reason: `DynamoDB in ${region} could not be reached (${fault}).` };
  }
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
      advice: `Grant dynamodb:${action} on the table "${table}" to the function's role; iamActions lists everything the store needs.`,
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
  if (status === undefined) return explainUnanswered(error, region);
  return {
    reason: `DynamoDB refused ${action} on ${where}: ${name} (${status}).`,
    advice: `Look ${name} up in the DynamoDB developer guide, "Error handling with DynamoDB".`,
  };
}

/** Explains a failure before any answer that would happen again on a retry. */
function explainUnanswered(error: unknown, region: string): Explanation {
  const { name, code = name, message } = error as AwsError;
  const tls = TLS_ADVICE[code];
  if (tls !== undefined || /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_)/.test(code)) {
    return {
      reason: `TLS with DynamoDB in ${region} failed (${code}).`,
      advice: tls ?? 'Check the endpoint and the certificate of its server.',
    };
  }
  return {
    reason: `The AWS client failed before DynamoDB in ${region} answered: ${code === 'Error' ? message : code}.`,
    advice: 'Check the options of dynamoDbStore() and the cause of this error.',
  };
}

function networkFault(error: unknown): string | undefined {
  const { name, code, $metadata } = error as AwsError;
  if (name === 'NoAnswerError' || name === 'AbortError') return 'no answer in time';
  if (name === 'TimeoutError') return code ?? name;
  // Codes of the operating system mean a fault of the network. Node's own codes (ERR_…) and EPROTO (the
  // server does not speak TLS) mean a mistake in the set-up.
  const isNetwork = code !== undefined && code !== 'EPROTO' && /^E[A-Z]+(_AGAIN)?$/.test(code);
  return isNetwork && $metadata?.httpStatusCode === undefined ? code : undefined;
}
