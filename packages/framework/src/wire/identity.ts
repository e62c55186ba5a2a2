import type { Claims, Connection, Identity } from './connection.js';
import type { RequestContext } from './lambda-events.js';

/**
 * Key in the authorizer's context under which an identity travels, as one JSON string: API Gateway
 * allows no nested values there (row 4.10). An authorizer context without it is not ours to trust.
 */
export const IDENTITY_KEY = 'gatecast';

const NO_CLAIMS: Claims = Object.freeze({});

/** Writes an identity as it travels and as the store keeps it. */
export function encodeIdentity({ userId, claims, expiresAt }: Identity): string {
  return JSON.stringify({ userId, claims, expiresAt });
}

/** Reads an identity; `undefined` for anything that is none. */
export function decodeIdentity(text: unknown): Identity | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isIdentity(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an authorizer's result, or what was read back of it, is an identity. */
export function isIdentity(value: unknown): value is Identity {
  if (typeof value !== 'object' || value === null) return false;
  const { userId, claims, expiresAt } = value as Record<string, unknown>;
  return (
    (userId === undefined || (typeof userId === 'string' && userId !== '')) &&
    (claims === undefined || (typeof claims === 'object' && claims !== null)) &&
    (expiresAt === undefined || typeof expiresAt === 'number')
  );
}

/** The connection, as handlers see it. */
export function makeConnection(
  request: RequestContext,
  identity: Identity | undefined,
): Connection {
  const { connectionId, connectedAt, identity: peer } = request;
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
