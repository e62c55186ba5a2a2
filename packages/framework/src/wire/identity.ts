import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Connection, Identity } from './connection.js';
import type { RequestContext } from './lambda-events.js';

/**
 * Key in the authorizer's context under which an identity travels, as one JSON string: API Gateway
 * allows no nested values there (row 4.10). No other authorizer may set it: the app trusts what it holds.
 */
export const IDENTITY_KEY = 'gatecast';

const NO_CLAIMS: Connection['claims'] = Object.freeze({});
const KEYS: readonly string[] = ['userId', 'claims', 'expiresAt'];
// A number of milliseconds below it lies before March 1973, so it was meant as seconds.
const SMALLEST_MS = 1e11;

/** Writes an identity as it travels and as the store keeps it. */
export function encodeIdentity({ userId, claims, expiresAt }: Identity): string {
  return JSON.stringify({ userId, claims, expiresAt });
}

/**
 * Reads what {@link encodeIdentity} wrote.
 *
 * @throws ClientError - ERR_UNAUTHORIZED, for anything else: a text that cannot be read must not turn a
 * user into a guest.
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
    cause: new Error(`The authorizer's context or the store holds ${problem}.`),
  });
}

/**
 * What an authorizer returned, as it will be read back: claims are what JSON makes of them.
 *
 * @throws UsageError - ERR_IDENTITY_INVALID, when it is not an identity: the authorizer is at fault, not
 * the token.
 * @throws ClientError - ERR_UNAUTHORIZED, when it has expired already.
 */
export function checkIdentity(value: unknown, now: number): Identity {
  // Asked twice: what JSON makes of claims need not be an object any more.
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
    const problem = `claims that JSON cannot hold (${(error as Error).message})`;
    throw makeError('ERR_IDENTITY_INVALID', { problem }, error);
  }
}

/** Names what is wrong with a value as an identity, after "returned"; `undefined` for nothing. */
function identityProblem(value: unknown): string | undefined {
  if (!isPlainObject(value)) return 'something that is not a plain object';
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `an object with the unknown key "${unknown}"`;
  const { userId, claims, expiresAt } = value;
  if (userId !== undefined && (typeof userId !== 'string' || userId === '')) {
    return 'a userId that is not a text, or is empty';
  }
  if (claims !== undefined && !isPlainObject(claims)) return 'claims that are not an object';
  return expiresAt === undefined ? undefined : timeProblem(expiresAt);
}

function timeProblem(expiresAt: unknown): string | undefined {
  // Not every store can hold a number that is larger still.
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

// `Object.prototype` of another realm, as tests under Jest have it.
function isForeignObject(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'valueOf');
}

type Peer = Pick<RequestContext, 'connectionId' | 'connectedAt' | 'identity'>;

/** The connection, as handlers see it. */
export function makeConnection(
  { connectionId, connectedAt, identity: peer }: Peer,
  identity: Identity | undefined,
): Connection {
  // Assignments, not spreads: this runs for every message.
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
