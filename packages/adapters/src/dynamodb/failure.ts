import { StoreError } from '@gatecast/framework';
import type { OperationName } from './port.js';

/** What was being done when DynamoDB failed. */
export interface Attempted {
  /** What the store was doing, for errors: the words after "could not". */
  readonly operation: string;
  /** The action of DynamoDB's API. */
  readonly action: OperationName;
  readonly table: string;
  readonly region: string;
}

/** There was no answer to a call in the time that it had. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

interface AwsError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

interface Explanation {
  readonly reason: string;
  /** Absent where the same call may succeed later. */
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
  'Let the endpoint begin with http://, or give the port on which the server speaks TLS.';

// By the codes of Node and OpenSSL.
const TLS_ADVICE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'Renew the certificate of the server.',
  CERT_NOT_YET_VALID: 'Set the clock of this machine, or renew the certificate of the server.',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  EPROTO: plain,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plain,
  ERR_SSL_WRONG_VERSION_NUMBER: plain,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use a name in the endpoint that the certificate is for.',
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
};

/** Whether a condition of the request did not hold: an answer, not a failure. */
export function isConditionFailed(error: unknown): boolean {
  return (error as Error).name === 'ConditionalCheckFailedException';
}

/** Whether DynamoDB did not even begin, because there was too much to do. */
export function isThrottled(error: unknown): boolean {
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

/** The store's error for one of the port's. */
export function toStoreError(error: unknown, attempted: Attempted): StoreError {
  const { operation } = attempted;
  // Its message may quote the signed request, and with it the session token.
  const cause = (error as Error).name === 'InvalidSignatureException' ? undefined : error;
  return StoreError.of({ store: 'dynamodb', operation, cause, ...explain(error, attempted) });
}

/** The error when a batch is still not done at the end of the time. */
export function leftUnprocessed({ operation, table, region }: Attempted): StoreError {
  const reason = `DynamoDB left items of a batch for the table "${table}" in ${region} unprocessed, and the time to try again is over.`;
  return StoreError.of({ store: 'dynamodb', operation, reason });
}

/** The error when there is no time for a call. */
export function timeIsOver({ operation, action, table, region }: Attempted): StoreError {
  const reason = `The time for it was over before ${action} on the table "${table}" in ${region}.`;
  return StoreError.of({ store: 'dynamodb', operation, reason });
}

function explain(error: unknown, { action, table, region }: Attempted): Explanation {
  const { name, message, $metadata } = error as AwsError;
  const where = `the table "${table}" in ${region}`;
  const status = $metadata?.httpStatusCode;
  if (isThrottled(error)) {
    return { reason: `DynamoDB throttles ${where} (${name}), and the time to try again is over.` };
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
  if (status === undefined) return explainUnanswered(error, region);
  return {
    reason: `DynamoDB refused ${action} on ${where}: ${name} (${status}).`,
    advice: `Look ${name} up in the DynamoDB developer guide, "Error handling with DynamoDB".`,
  };
}

/** What went wrong before there was an answer, and would go wrong again. */
function explainUnanswered(error: unknown, region: string): Explanation {
  const { name, code = name, message } = error as AwsError;
  const tls = TLS_ADVICE[code];
  if (tls !== undefined || /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_)/.test(code)) {
    return {
      reason: `TLS with DynamoDB in ${region} failed (${code}).`,
      advice: tls ?? 'Look at the endpoint and at the certificate of its server.',
    };
  }
  return {
    reason: `The AWS client failed before DynamoDB in ${region} answered: ${code === 'Error' ? message : code}.`,
    advice: 'Look at the options of dynamoDbStore() and at the cause of this error.',
  };
}

function networkFault(error: unknown): string | undefined {
  const { name, code, $metadata } = error as AwsError;
  if (name === 'NoAnswerError' || name === 'AbortError') return 'no answer in time';
  if (name === 'TimeoutError') return code ?? name;
  // Codes of the operating system. Those of Node itself begin with ERR_ and mean a mistake, as does
  // EPROTO: the server speaks no TLS.
  const isNetwork = code !== undefined && code !== 'EPROTO' && /^E[A-Z]+(_AGAIN)?$/.test(code);
  return isNetwork && $metadata?.httpStatusCode === undefined ? code : undefined;
}
