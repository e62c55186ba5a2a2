import { createHash, createHmac } from 'node:crypto';
import { sha256, signer } from '@gatecast/framework/adapter';
import { SignatureV4 } from '@smithy/signature-v4';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';

/** The hash function for the reference signer. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHmac> | ReturnType<typeof createHash>;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === 'string' ? secret : new Uint8Array(secret as ArrayBuffer);
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', key);
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

const text = (unit: string, maxLength = 40): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...unit.split('')), minLength: 1, maxLength });
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const host = fc.oneof(
  fc
    .tuple(
      text('abcdefghij0123456789', 12),
      fc.constantFrom(
        'us-east-1.amazonaws.com',
        'cn-north-1.amazonaws.com.cn',
        'us-iso-east-1.c2s.ic.gov',
        'eusc-de-east-1.amazonaws.eu',
      ),
    )
    .map(([apiId, rest]) => `${apiId}.execute-api.${rest}`),
  fc.integer({ min: 1, max: 65_535 }).map((port) => `localhost:${port}`),
  fc.constantFrom('ws.example.com', '[::1]:3000'),
);

const request = fc.record({
  service: fc.constantFrom('execute-api', 'sqs', 'dynamodb'),
  region: fc.constantFrom(
    'us-east-1',
    'eu-west-1',
    'cn-north-1',
    'us-gov-west-1',
    'us-isob-east-1',
  ),
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  host,
  stage: fc.oneof(text(`${LETTERS}_-`, 20), fc.constantFrom('$default', 'a/b', '', '.', '..')),
  connectionId: fc.oneof(text(`${LETTERS}+/=_-`), fc.string({ minLength: 1, maxLength: 20 })),
  body: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 300 })),
  type: fc.constantFrom(undefined, 'application/octet-stream', ' text/plain;  charset=UTF-8 '),
  target: fc.option(fc.constantFrom('AmazonSQS.SendMessageBatch')),
  accessKeyId: text(LETTERS, 20),
  secretAccessKey: text(`${LETTERS}+/=`, 90),
  sessionToken: fc.option(text(`${LETTERS}+/=`, 900), { nil: undefined }),
  at: fc.integer({ min: 0, max: 4_102_444_799_999 }),
});

it('C9 signs any request as AWS does', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (random) => {
      const { service, region, method, accessKeyId, secretAccessKey, sessionToken, body } = random;
      const path = `/${random.stage}/@connections/${encodeURIComponent(random.connectionId)}`;
      const headers = {
        host: random.host,
        ...(random.type !== undefined && { 'content-type': random.type }),
        ...(random.target && { 'x-amz-target': random.target }),
      };
      const credentials = {
        accessKeyId,
        secretAccessKey,
        ...(sessionToken !== undefined && { sessionToken }),
      };
      const reference = new SignatureV4({
        service,
        region,
        credentials,
        sha256: Sha256,
        applyChecksum: false,
      });
      const expected = await reference.sign(
        { method, protocol: 'https:', hostname: 'unused', path, headers, body },
        { signingDate: new Date(random.at) },
      );
      const toSign = { method, path, headers, bodyHash: sha256(body) };
      const signed = signer(service, region)(toSign, credentials, random.at);
      expect(namesAndValues(signed)).toEqual(expected.headers);
    }),
    { numRuns: 10_000 },
  );
});

it('C9 signs later requests in the same way as the first', () => {
  const sign = signer('execute-api', 'eu-west-1');
  const one = { accessKeyId: 'a', secretAccessKey: 'b' };
  const other = { accessKeyId: 'c', secretAccessKey: 'd', sessionToken: 'e' };
  const request = { method: 'POST', path: '/dev', headers: { host: 'h' }, bodyHash: sha256('') };
  const day = 86_400_000;
  for (const [credentials, at] of [
    [one, 0],
    [one, 999],
    [one, 1_000],
    [other, 1_000],
    [one, day],
    [{ ...one }, day],
    [one, 0],
  ] as const) {
    const fresh = signer('execute-api', 'eu-west-1')(request, credentials, at);
    expect(sign(request, credentials, at)).toEqual(fresh);
  }
});

function namesAndValues(list: readonly string[]): Record<string, string> {
  const pairs: [string, string][] = [];
  for (let i = 0; i < list.length; i += 2) pairs.push([list[i] ?? '', list[i + 1] ?? '']);
  return Object.fromEntries(pairs);
}
