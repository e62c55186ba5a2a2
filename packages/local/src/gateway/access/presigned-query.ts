import { type ClaimedSignature, readScope } from './authorization-header.js';

// AWS accepts at most one week (AWS Signature Version 4, query parameters).
const MAX_SECONDS = 604_800;

const required = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
];

/**
 * Reads the signature in the query string of a presigned URL. Returns the problem as text, or `undefined`
 * if there is no signature.
 */
export function readPresignedQuery(query: URLSearchParams): ClaimedSignature | string | undefined {
  if (!query.has('X-Amz-Signature')) return undefined;
  const missing = required.find((name) => !query.get(name));
  if (missing !== undefined) return `The query string requires "${missing}" parameter.`;

  const [algorithm, credential, date, expires, signedHeaders, signature] = required.map(
    (name) => query.get(name) ?? '',
  ) as [string, string, string, string, string, string];
  if (algorithm !== 'AWS4-HMAC-SHA256') {
    return `The X-Amz-Algorithm "${algorithm}" is not "AWS4-HMAC-SHA256".`;
  }
  const scope = readScope(credential);
  if (typeof scope === 'string') return scope;
  const validForSeconds = Number(expires);
  if (!/^\d+$/.test(expires) || validForSeconds < 1 || validForSeconds > MAX_SECONDS) {
    return `The X-Amz-Expires "${expires}" is not a number of seconds from 1 to ${MAX_SECONDS}.`;
  }
  return {
    ...scope,
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
    date,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    validForSeconds,
  };
}
