import { createHash, timingSafeEqual } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import {
  type ClaimedSignature,
  type RequestHeaders,
  readAuthorization,
  type Scope,
} from './authorization-header.js';
import type { Credential, Credentials } from './credentials.js';
import { readPresignedQuery } from './presigned-query.js';
import { Sha256 } from './sha256.js';

/** A request whose signature has to be verified. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query string, unchanged. */
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly body: Buffer;
}

/** The credential of a valid signature and its scope, or the error of AWS. */
export type Verification =
  | { readonly isValid: true; readonly credential: Credential; readonly scope: Scope }
  | { readonly isValid: false; readonly errorType: string; readonly message: string };

/** What the scope of a signature may be. */
export interface AcceptedScope {
  readonly services: readonly string[];
  /** @default any */
  readonly region?: string | undefined;
}

const CONTENT_HASH = 'x-amz-content-sha256';
const MAX_SKEW_MS = 5 * 60_000;

/**
 * Verifies the AWS Signature Version 4 in a request's `Authorization` header or query string: signs the
 * same request with the secret of its access key, and compares the signatures.
 */
export async function verifySignature(
  request: SignedRequest,
  credentials: Credentials,
  accepted: AcceptedScope,
): Promise<Verification> {
  const claim = readAuthorization(request.headers) ?? readPresignedQuery(queryOf(request));
  if (claim === undefined) {
    return invalid('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (typeof claim === 'string') return invalid('IncompleteSignatureException', claim);
  const credential = credentials.find(claim.accessKeyId);
  if (!credential || claim.sessionToken !== credential.sessionToken) {
    const message = 'The security token included in the request is invalid.';
    return invalid('UnrecognizedClientException', message);
  }
  const problem = problemWith(request, claim, accepted);
  if (problem !== undefined) return invalid('InvalidSignatureException', problem);
  const expected = await signatureOf(request, claim, credential);
  if (!isSame(expected, claim.signature)) {
    const message =
      'The request signature we calculated does not match the signature you provided. ' +
      'Check your AWS Secret Access Key and signing method.';
    return invalid('InvalidSignatureException', message);
  }
  return { isValid: true, credential, scope: claim };
}

function invalid(errorType: string, message: string): Verification {
  return { isValid: false, errorType, message };
}

/** Checks everything but the signature itself. Returns the problem, if any. */
function problemWith(
  { headers, body }: SignedRequest,
  claim: ClaimedSignature,
  { services, region }: AcceptedScope,
): string | undefined {
  if (!services.includes(claim.service)) {
    const wanted = services.map((service) => `"${service}"`).join(' or ');
    return `Credential should be scoped to correct service: ${wanted}, not "${claim.service}".`;
  }
  if (region !== undefined && claim.region !== region) {
    return `Credential should be scoped to the region "${region}", not "${claim.region}".`;
  }
  const isPresigned = claim.validForSeconds !== undefined;
  const mustBeSigned = isPresigned ? ['host'] : ['host', 'x-amz-date'];
  const unsigned = mustBeSigned.find((name) => !claim.signedHeaders.includes(name));
  if (unsigned !== undefined) return `The header "${unsigned}" must be a signed header.`;
  const absent = claim.signedHeaders.find((name) => !Object.hasOwn(headers, name));
  if (absent !== undefined) return `The signed header "${absent}" is not in the request.`;

  const { date } = claim;
  const time = dateOf(date).getTime();
  if (Number.isNaN(time) || !date.startsWith(claim.day)) {
    return `The X-Amz-Date "${date}" is not of the form "${claim.day}T000000Z".`;
  }
  // Compared with this machine's clock, which signers use even if the gateway's clock was moved.
  const skewMs = Date.now() - time;
  if (skewMs < -MAX_SKEW_MS) {
    return `Signature not yet current: ${date} is more than 5 minutes ahead.`;
  }
  const maxSkewMs = isPresigned ? claim.validForSeconds * 1000 : MAX_SKEW_MS;
  if (skewMs > maxSkewMs) {
    const limit = isPresigned ? `${claim.validForSeconds} seconds` : '5 minutes';
    return `Signature expired: ${date} is more than ${limit} ago.`;
  }
  const claimedHash = claim.signedHeaders.includes(CONTENT_HASH)
    ? headers[CONTENT_HASH]
    : undefined;
  if (
    claimedHash !== undefined &&
    claimedHash !== createHash('sha256').update(body).digest('hex')
  ) {
    return `The X-Amz-Content-Sha256 "${String(claimedHash)}" is not the hash of the body.`;
  }
  return undefined;
}

async function signatureOf(
  request: SignedRequest,
  { signedHeaders, service, region, date, validForSeconds }: ClaimedSignature,
  credential: Credential,
): Promise<string> {
  const { method, url, headers, body } = request;
  const signer = new SignatureV4({
    credentials: credential,
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
  });
  const query = queryOf(request);
  const unsigned = {
    method,
    protocol: 'http:',
    hostname: '',
    path: url.split('?')[0] ?? '',
    query: Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)])),
    headers: Object.fromEntries(signedHeaders.map((name) => [name, String(headers[name])])),
    body,
  };
  const signableHeaders = new Set(signedHeaders);
  const options = { signingDate: dateOf(date), signableHeaders };
  if (validForSeconds !== undefined) {
    // Replaces the parameters of the signature in the query.
    const presigned = await signer.presign(unsigned, {
      ...options,
      expiresIn: validForSeconds,
      // Signed headers must stay headers instead of becoming query parameters.
      unhoistableHeaders: signableHeaders,
    });
    return String(presigned.query?.['X-Amz-Signature']);
  }
  const signed = await signer.sign(unsigned, options);
  return /Signature=(\w+)$/.exec(signed.headers['authorization'] ?? '')?.[1] ?? '';
}

function queryOf({ url }: SignedRequest): URLSearchParams {
  return new URLSearchParams(url.split(/\?(.*)/s)[1] ?? '');
}

/** `20261124T080910Z` */
function dateOf(amzDate: string): Date {
  const [, year, month, day, hour, minute, second] =
    /^(....)(..)(..)T(..)(..)(..)Z$/.exec(amzDate) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
