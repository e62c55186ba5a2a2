import { reasonOf } from '../errors/check-options.js';
import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Connection, Identity } from './connection.js';
import type { RequestContext } from './lambda-events.js';

/**
 * Key of the identity in the authorizer's context. The identity is one JSON string, because API Gateway
 * does not allow nested values there (row 4.10). No other authorizer may set this key: the app trusts its
 * value.
 */
export const IDENTITY_KEY = 'gatecast';

const NO_CLAIMS: Connection['claims'] = Object.freeze({});
const KEYS: readonly string[] = ['userId', 'claims', 'expiresAt'];
// Smaller numbers of milliseconds are before March 1973, so they must be seconds.
const SMALLEST_MS = 1e11;

/** Encodes an identity for the authorizer's context and the store. */
export function encodeIdentity({ userId, claims, expiresAt }: Identity): string {
  return JSON.stringify({ userId, claims, expiresAt });
}

/**
 * The context of the authorizer's answer. Besides the identity it has two plain values for the mapping
 * template of a `$connect` that writes the connection's row without a function: such a template would have
 * to parse JSON otherwise. API Gateway passes all of them on as text (row 4.10).
 */
export function authorizerContext(identity: Identity): Readonly<Record<string, string>> {
  const { userId, expiresAt } = identity;
  return {
    [IDENTITY_KEY]: encodeIdentity(identity),
    ...(userId !== undefined && { gatecastUserId: userId }),
    ...(expiresAt !== undefined && { gatecastExpiresAt: String(expiresAt) }),
  };
}

/**
 * Decodes the result of {@link encodeIdentity}.
 *
 * @throws ClientError - ERR_UNAUTHORIZED, for anything else, because an unreadable identity must not turn
 * a user into a guest.
 */
export function decodeIdentity(text: unknown): Identity {
  let value: unknown;
  try {
    value = typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    value = undefined;
  }
  const problem = identityProblem(value);
  if (problem === undefined) return value as Identity;
  throw new ClientError('ERR_UNAUTHORIZED', 'The identity of the connection cannot be read.', {
    cause: new Error(`The authorizer's context or the store has ${problem}.`),
  });
}

/**
 * Checks the result of an authorizer and returns it as it will be decoded later, after a round trip
 * through JSON.
 *
 * @throws UsageError - ERR_IDENTITY_INVALID, if the result is not an identity: the authorizer is wrong,
 * not the token.
 * @throws ClientError - ERR_UNAUTHORIZED, if the identity has already expired.
 */
export function checkIdentity(value: unknown, now: number): Identity {
  // Checked before and after JSON, because `toJSON` may turn claims into something else.
  const identity = accept(JSON.parse(textOf(accept(value))));
  if (identity.expiresAt !== undefined && identity.expiresAt <= now) {
    throw new ClientError('ERR_UNAUTHORIZED', 'The token has expired.');
  }
  return identity;
}

function accept(value: unknown): Identity {
  const problem = identityProblem(value);
  if (problem === undefined) return value as Identity;
  throw makeError('ERR_IDENTITY_INVALID', { problem });
}

function textOf(identity: Identity): string {
  try {
    return encodeIdentity(identity);
  } catch (error) {
    const problem = `claims that JSON cannot express (${reasonOf(error)})`;
    throw makeError('ERR_IDENTITY_INVALID', { problem }, error);
  }
}

/**
 * Describes why a value is not an identity, as the end of "The authorizer returned …"; `undefined` if it
 * is one.
 */
function identityProblem(value: unknown): string | undefined {
  if (!isPlainObject(value)) return 'something that is not a plain object';
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `an object with the unknown key "${unknown}"`;
  const { userId, claims, expiresAt } = value;
  if (userId !== undefined && (typeof userId !== 'string' || userId === '')) {
    return 'a userId that is not a non-empty string';
  }
  if (claims !== undefined && !isPlainObject(claims)) return 'claims that are not an object';
  return expiresAt === undefined ? undefined : timeProblem(expiresAt);
}

function timeProblem(expiresAt: unknown): string | undefined {
  // Not every store can keep larger numbers.
  if (typeof expiresAt !== 'number' || !(expiresAt <= Number.MAX_SAFE_INTEGER)) {
    return 'an expiresAt that is not a number of milliseconds (leave it out for an identity that never ends)';
  }
  if (expiresAt >= SMALLEST_MS) return undefined;
  return `an expiresAt of ${expiresAt}, which must be milliseconds since 1970, not seconds`;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || isForeignObject(prototype);
}

// `Object.prototype` of another realm, which tests under Jest use.
function isForeignObject(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'valueOf');
}

type Peer = Pick<RequestContext, 'connectionId' | 'connectedAt' | 'identity'>;

/** The connection that handlers see. */
export function makeConnection(
  { connectionId, connectedAt, identity: peer }: Peer,
  identity: Identity | undefined,
): Connection {
  // Assignments are faster than spreads, and this runs for every message.
  const connection: { -readonly [K in keyof Connection]: Connection[K] } = {
    id: connectionId,
    claims: identity?.claims ?? NO_CLAIMS,
    connectedAt,
    sourceIp: peer?.sourceIp ?? '',
  };
  if (identity?.userId !== undefined) connection.userId = identity.userId;
  if (peer?.userAgent !== undefined) connection.userAgent = peer.userAgent;
  return connection;
}
