// What the store makes of each error of DynamoDB, of the AWS client and of the network.
import { describe, expect, it } from 'vitest';
import {
  isConditionFailed,
  isTransient,
  leftUnprocessed,
  NoAnswerError,
  outOfTime,
  toStoreError,
} from '../src/dynamodb/failure.js';

const attempted = {
  operation: 'read a connection',
  action: 'GetItem',
  table: 'chat',
  region: 'eu-north-1',
} as const;
const where = 'the table "chat" in eu-north-1';
const untrusted = 'Set NODE_EXTRA_CA_CERTS to the file with';
const plain = 'Use an endpoint that begins with http://, or the port';

function errorOf(name: string, more: object = {}): Error {
  return Object.assign(new Error('It went wrong.'), { name, ...more });
}
const answered = (name: string, status: number) =>
  errorOf(name, { $metadata: { httpStatusCode: status } });
const coded = (code: string) => errorOf('Error', { code });

const unreachable = (fault: string) => `DynamoDB in eu-north-1 could not be reached (${fault}).`;
const noTls = (code: string) => `TLS with DynamoDB in eu-north-1 failed (${code}).`;
const failedBefore = (what: string) =>
  `The AWS client failed before DynamoDB in eu-north-1 answered: ${what}.`;

/** Errors after which the same call may succeed, and the reason in the store's error. */
const transient: readonly (readonly [error: Error, reason: string])[] = [
  ...['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException'].map(
    (name) =>
      [
        answered(name, 400),
        `DynamoDB throttles ${where} (${name}), and there was no time left to try again.`,
      ] as const,
  ),
  [
    answered('InternalServerError', 500),
    `failed at GetItem on ${where}: InternalServerError (500).`,
  ],
  [answered('ServiceUnavailable', 503), `failed at GetItem on ${where}: ServiceUnavailable (503).`],
  [new NoAnswerError('?'), unreachable('no answer in time')],
  [errorOf('AbortError'), unreachable('no answer in time')],
  [errorOf('TimeoutError'), unreachable('TimeoutError')],
  [errorOf('TimeoutError', { code: 'ETIMEDOUT' }), unreachable('ETIMEDOUT')],
  [errorOf('TimeoutError', { code: 'ERR_OTHER' }), unreachable('ERR_OTHER')],
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN'].map(
    (code) => [coded(code), unreachable(code)] as const,
  ),
];

/** Other errors, with the reason and the beginning of the advice. */
const lasting: readonly (readonly [error: Error, reason: string, advice: string])[] = [
  [
    answered('ResourceNotFoundException', 400),
    'There is no table "chat" in eu-north-1.',
    'Set GATECAST_TABLE to the name of a table in eu-north-1, and grant dynamodb:GetItem on it',
  ],
  [
    answered('AccessDeniedException', 400),
    `dynamodb:GetItem on ${where} is not allowed.`,
    'Grant dynamodb:GetItem on the table "chat" to the function\'s role',
  ],
  ...[
    errorOf('CredentialsProviderError'),
    answered('ExpiredTokenException', 400),
    answered('IncompleteSignatureException', 400),
    answered('InvalidSignatureException', 400),
    answered('MissingAuthenticationTokenException', 400),
    answered('UnrecognizedClientException', 400),
  ].map(
    (error) =>
      [
        error,
        `DynamoDB did not accept the credentials for GetItem on ${where} (${error.name}).`,
        'Give the process valid AWS credentials',
      ] as const,
  ),
  [
    answered('ValidationException', 400),
    `DynamoDB did not accept GetItem on ${where}: It went wrong.`,
    'Compare the table with tableDefinition',
  ],
  [
    answered('OtherException', 400),
    `DynamoDB refused GetItem on ${where}: OtherException (400).`,
    'Look OtherException up in the DynamoDB developer guide',
  ],
  // An answer of DynamoDB is not a fault of the network, even if the client adds such a code.
  [
    errorOf('OtherException', { code: 'EOTHER', $metadata: { httpStatusCode: 499 } }),
    `DynamoDB refused GetItem on ${where}: OtherException (499).`,
    'Look OtherException up',
  ],
  [coded('CERT_HAS_EXPIRED'), noTls('CERT_HAS_EXPIRED'), 'Renew the certificate of the server.'],
  [coded('CERT_NOT_YET_VALID'), noTls('CERT_NOT_YET_VALID'), 'Set the clock of this machine'],
  [
    coded('ERR_TLS_CERT_ALTNAME_INVALID'),
    noTls('ERR_TLS_CERT_ALTNAME_INVALID'),
    'Use a host name in the endpoint that the certificate covers.',
  ],
  ...['EPROTO', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_WRONG_VERSION_NUMBER'].map(
    (code) => [coded(code), noTls(code), plain] as const,
  ),
  ...[
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ].map((code) => [coded(code), noTls(code), untrusted] as const),
  ...['CERT_REVOKED', 'ERR_TLS_OTHER', 'ERR_SSL_OTHER', 'UNABLE_TO_GET_CRL'].map(
    (code) => [coded(code), noTls(code), 'Check the endpoint and the certificate'] as const,
  ),
  [coded('ERR_INVALID_ARG_TYPE'), failedBefore('ERR_INVALID_ARG_TYPE'), 'Check the options of'],
  [coded('SOMETHING_E'), failedBefore('SOMETHING_E'), 'Check the options of dynamoDbStore()'],
  [errorOf('TypeError'), failedBefore('TypeError'), 'Check the options of dynamoDbStore()'],
  [errorOf('Error'), failedBefore('It went wrong.'), 'Check the options of dynamoDbStore()'],
];

describe("the store's error", () => {
  it.each(transient)('is retryable after %s', (error, reason) => {
    expect(isTransient(error)).toBe(true);
    const made = toStoreError(error, attempted);
    expect(made).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true, cause: error });
    expect(made.message).toContain('The store "dynamodb" could not read a connection: ');
    expect(made.message).toContain(reason);
  });

  it.each(lasting)('is not retryable after %s, and has advice', (error, reason, advice) => {
    expect(isTransient(error)).toBe(false);
    const made = toStoreError(error, attempted);
    expect(made).toMatchObject({ code: 'ERR_STORE_REFUSED', retryable: false });
    expect(made.message).toBe(`The store "dynamodb" refused to read a connection: ${reason}`);
    expect(made.hint.startsWith(advice)).toBe(true);
    // This one may quote the signed request.
    expect(made.cause).toBe(error.name === 'InvalidSignatureException' ? undefined : error);
  });

  it('is retryable when the time is over', () => {
    expect(leftUnprocessed(attempted)).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining(
        `"dynamodb" could not read a connection: DynamoDB left items of a batch for ${where} unprocessed`,
      ) as string,
    });
    expect(outOfTime(attempted)).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: `The store "dynamodb" could not read a connection: Time ran out before GetItem on ${where}.`,
    });
  });
});

it('a condition that is not met is neither a failure nor a reason to try again', () => {
  const failed = answered('ConditionalCheckFailedException', 400);
  expect([isConditionFailed(failed), isTransient(failed)]).toEqual([true, false]);
  expect(isConditionFailed(answered('ThrottlingException', 400))).toBe(false);
});
