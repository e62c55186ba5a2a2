import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import {
  type PlainRequest,
  presign,
  type SignedRequestOptions,
  sendRequest,
  sendSigned,
} from './signed-request.js';

const MINUTE_MS = 60_000;
const key = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const temporary = { ...key, accessKeyId: 'ASIAEXAMPLE', sessionToken: 'token' };

/** Posts "hello" to a connection with this signature. Returns everything that the connection received. */
async function post(options: Partial<SignedRequestOptions> = {}) {
  await using api = await openLocalApi({ region: 'us-east-1' });
  const { port, credentials } = api.gateway;
  credentials.add({ ...key, principal: 'ann' });
  credentials.add({ ...temporary, principal: 'bob' });
  const peer = await Peer.connect(api.url);
  const path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
  const { status, headers, body } = await sendSigned({
    port,
    key,
    path,
    body: 'hello',
    ...options,
  });
  await sendSigned({ port, key, path, body: 'last' });
  const received: string[] = [];
  for (let text = await peer.next(); text !== 'last'; text = await peer.next()) received.push(text);
  const { message } = body === '' ? {} : (JSON.parse(body) as { message?: string });
  return { status, type: headers['x-amzn-errortype'], message, received };
}

const accepted = { status: 200, received: ['hello'] };
const refused = (type: string, message: RegExp) => ({
  status: 403,
  type,
  message: expect.stringMatching(message) as string,
  received: [],
});

describe('a request to @connections', () => {
  it('6.4 is accepted if it is signed by a known key', async () => {
    expect(await post()).toMatchObject(accepted);
    expect(await post({ key: temporary })).toMatchObject(accepted);
  });

  it('6.4 is accepted with more signed headers, including those that signers usually leave out', async () => {
    const body = 'hello';
    const headers = {
      'content-type': 'text/plain',
      'user-agent': 'test/1',
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
    };
    expect(await post({ headers, body })).toMatchObject(accepted);
  });

  it('6.4 is accepted if it is signed in its query string, as a presigned URL', async () => {
    await using api = await openLocalApi();
    const { port, credentials } = api.gateway;
    const issued = credentials.issue('a test');
    await using peer = await Peer.connect(api.url);
    const plain = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
    const headers = { host: `localhost:${port}` };
    const signed = { port, key: issued, method: 'POST', body: 'hello', headers };
    const path = presign({ ...signed, path: plain });
    expect((await sendRequest({ ...signed, path })).status).toBe(200);
    expect(await peer.next()).toBe('hello');
    expect((await sendRequest({ ...signed, path, body: 'other' })).status).toBe(403);
  });

  it('6.5 is refused when it is not signed', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    const path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
    for (const method of ['POST', 'GET', 'DELETE']) {
      const response = await sendRequest({ port: api.gateway.port, path, method });
      expect(response.status).toBe(403);
      expect(response.body).toBe('{"message":"Missing Authentication Token"}');
      expect(response.headers['x-amzn-errortype']).toBe('MissingAuthenticationTokenException');
    }
  });

  it('6.4 is refused if the key is unknown or was removed', async () => {
    const unknown = refused('UnrecognizedClientException', /security token .* is invalid/);
    expect(await post({ key: { ...key, accessKeyId: 'AKIDOTHER' } })).toEqual(unknown);
    await using api = await openLocalApi();
    const { port, credentials } = api.gateway;
    const issued = credentials.issue('a test');
    const path = '/dev/@connections/AAAAAAAAAAACAAA=';
    expect((await sendSigned({ port, key: issued, path })).status).toBe(410);
    credentials.delete(issued.accessKeyId);
    expect((await sendSigned({ port, key: issued, path })).status).toBe(403);
  });

  it('6.4 is refused if the secret is wrong', async () => {
    expect(await post({ key: { ...key, secretAccessKey: 'other' } })).toEqual(
      refused('InvalidSignatureException', /signature we calculated does not match/),
    );
  });

  it('6.4 is refused when a session token is missing, wrong, or unknown', async () => {
    const invalid = refused('UnrecognizedClientException', /security token .* is invalid/);
    expect(await post({ key: { ...temporary, sessionToken: undefined } })).toEqual(invalid);
    expect(await post({ key: { ...temporary, sessionToken: 'other' } })).toEqual(invalid);
    expect(await post({ key: { ...key, sessionToken: 'token' } })).toEqual(invalid);
  });

  it('6.4 is refused when its date is more than 5 minutes off', async () => {
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * MINUTE_MS);
    expect(await post({ date: minutesAgo(4) })).toMatchObject(accepted);
    expect(await post({ date: minutesAgo(-4) })).toMatchObject(accepted);
    expect(await post({ date: minutesAgo(6) })).toEqual(
      refused('InvalidSignatureException', /^Signature expired: /),
    );
    expect(await post({ date: minutesAgo(-6) })).toEqual(
      refused('InvalidSignatureException', /^Signature not yet current: /),
    );
  });

  it('6.4 is refused if its scope has another region or service', async () => {
    expect(await post({ region: 'eu-west-1' })).toEqual(
      refused('InvalidSignatureException', /region "us-east-1", not "eu-west-1"/),
    );
    expect(await post({ service: 's3' })).toEqual(
      refused('InvalidSignatureException', /service: "execute-api", not "s3"/),
    );
  });
});

describe('a signed request to @connections that was changed in transit', () => {
  const replaced = (name: string, value: string) => (headers: Record<string, string>) => ({
    ...headers,
    [name]: value,
  });
  const inAuthorization =
    (pattern: RegExp, value: string) => (headers: Record<string, string>) => ({
      ...headers,
      authorization: headers['authorization']?.replace(pattern, value) ?? '',
    });
  const mismatch = /signature we calculated does not match/;

  it.each([
    ['another host', replaced('host', 'localhost:1'), mismatch],
    ['another signed header', replaced('x-signed', 'b'), mismatch],
    ['a signature that is cut', inAuthorization(/.$/, ''), mismatch],
    ['a signature with "=" after it', inAuthorization(/$/, '='), mismatch],
    [
      'a signature that is not hexadecimal',
      inAuthorization(/Signature=..../, 'Signature=\u00e9abc'),
      mismatch,
    ],
    ['no date', replaced('x-amz-date', ''), /X-Amz-Date "" is not of the form/],
    ['an invalid date', replaced('x-amz-date', '99999999T999999Z'), /is not of the form/],
    ['the date of another day', replaced('x-amz-date', '20200101T000000Z'), /is not of the form/],
    [
      'an invalid time of its day',
      (headers: Record<string, string>) => ({
        ...headers,
        'x-amz-date': headers['x-amz-date']?.replace(/T.*/, 'T999999Z') ?? '',
      }),
      /is not of the form/,
    ],
    [
      'a date that is not signed',
      inAuthorization(/;x-amz-date/, ''),
      /"x-amz-date" must be a signed header/,
    ],
    ['a host that is not signed', inAuthorization(/host;/, ''), /"host" must be a signed header/],
    [
      'a signed header that is missing',
      inAuthorization(/host;/, 'host;x-none;'),
      /"x-none" is not in/,
    ],
    ['a signed __proto__', inAuthorization(/host;/, 'host;__proto__;'), /"__proto__" is not in/],
    [
      'a wrong hash of the body',
      replaced('x-amz-content-sha256', 'abc'),
      /is not the hash of the body/,
    ],
  ])('is refused with %s', async (...[, tamper, message]) => {
    const headers = {
      'x-signed': 'a',
      'x-amz-content-sha256': createHash('sha256').update('hello').digest('hex'),
    };
    expect(await post({ headers, tamper })).toEqual(refused('InvalidSignatureException', message));
  });

  it('is refused with another body, method, path or query', async () => {
    const change = async (changed: Partial<PlainRequest>) => {
      await using api = await openLocalApi();
      const { port, credentials } = api.gateway;
      credentials.add({ ...key, principal: 'ann' });
      const path = '/dev/@connections/AAAAAAAAAAACAAA=';
      let headers: Record<string, string> = {};
      const tamper = (signed: Record<string, string>) => {
        headers = signed;
        return signed;
      };
      const sent = { port, path, method: 'POST', body: '' };
      expect((await sendSigned({ ...sent, key, tamper })).status).toBe(410);
      return (await sendRequest({ ...sent, headers, ...changed })).status;
    };
    expect(await change({})).toBe(410);
    expect(await change({ body: 'other' })).toBe(403);
    expect(await change({ method: 'DELETE' })).toBe(403);
    expect(await change({ path: '/dev/@connections/BAAAAAAAAAACAAA=' })).toBe(403);
    expect(await change({ path: '/dev/@connections/AAAAAAAAAAACAAA=?a=1&__proto__=2' })).toBe(403);
  });

  it('6.5 is refused with an empty Authorization header like one without a signature', async () => {
    expect(await post({ tamper: replaced('authorization', '') })).toEqual(
      refused('MissingAuthenticationTokenException', /^Missing Authentication Token$/),
    );
  });

  it.each([
    ['another scheme', 'Bearer token', /algorithm "Bearer"/],
    ['no parameters', 'AWS4-HMAC-SHA256', /requires "Credential"/],
    [
      'no signature',
      'AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host',
      /requires "Signature"/,
    ],
    [
      'a short scope',
      'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c',
      /Credential/,
    ],
  ])('is refused with an Authorization header of %s', async (...[, authorization, message]) => {
    expect(await post({ tamper: replaced('authorization', authorization) })).toEqual(
      refused('IncompleteSignatureException', message),
    );
  });
});
