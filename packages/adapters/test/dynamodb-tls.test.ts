// The store's errors when TLS with DynamoDB fails, over real sockets.
import { Agent } from 'node:https';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { StoreError } from '@gatecast/framework';
import { expect, it } from 'vitest';
import { makeCertificate, type Pair } from './engines/certificates.js';
import { startRefusing } from './engines/refusing-server.js';
import { startTls } from './engines/tls-server.js';
import { credentials } from './table-under-test.js';

/** The error of the store's `get`, with a client that trusts the given authority, if any. */
async function refusalAt(endpoint: string, ca?: string): Promise<unknown> {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    requestHandler: { httpsAgent: new Agent({ ...(ca !== undefined && { ca }) }) },
  });
  const { connections } = dynamoDbStore({ table: 'chat', client });
  const error: unknown = await connections.get('c=').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  client.destroy();
  expect(error).toBeInstanceOf(StoreError);
  return error;
}

function refusal(code: string, advice: string): object {
  return {
    retryable: false,
    message: expect.stringContaining(`TLS with DynamoDB in us-east-1 failed (${code}).`),
    hint: expect.stringContaining(advice),
  };
}

const day = 86_400_000;
const certificates: readonly (readonly [string, () => Promise<Pair>, string, string])[] = [
  [
    'has expired',
    () => makeCertificate({ endsAt: new Date(Date.now() - day) }),
    'CERT_HAS_EXPIRED',
    'Renew the certificate',
  ],
  [
    'is for another name',
    () => makeCertificate({ name: 'other.example.com' }),
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'Use a host name in the endpoint',
  ],
];

it.each(certificates)('names a certificate that %s', async (_what, make, code, advice) => {
  const certificate = await make();
  await using server = await startTls(certificate);
  expect(await refusalAt(server.endpoint, certificate.cert)).toMatchObject(refusal(code, advice));
});

it('names a certificate that nobody trusts', async () => {
  await using server = await startTls(await makeCertificate());
  expect(await refusalAt(server.endpoint)).toMatchObject(
    refusal('DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'),
  );
});

it('names a server that does not speak TLS', async () => {
  await using server = await startRefusing({ status: 400, type: 'ThrottlingException' });
  const endpoint = server.endpoint.replace('http:', 'https:');
  expect(await refusalAt(endpoint)).toMatchObject({
    retryable: false,
    message: expect.stringMatching(/TLS with DynamoDB in us-east-1 failed \([A-Z_]+\)\./),
    hint: expect.stringContaining('begins with http://'),
  });
});
