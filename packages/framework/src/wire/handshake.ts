import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import type { Identity } from './connection.js';
import type { AuthorizerRequestEvent, HandshakeFields, WebSocketEvent } from './lambda-events.js';
import { originMatches } from './origins.js';

/** A handshake, as an authorizer sees it. @group Access and identity */
export interface AuthorizerRequest {
  /**
   * The token, from one of three places: the sub-protocol of a Gatecast client, the header
   * `Authorization: Bearer`, or the query parameter `token`.
   */
  readonly token?: string;
  /** Headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Query parameters, decoded. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Address of the client, as API Gateway saw it. */
  readonly sourceIp: string;
}

/**
 * Determines the user of a connection from its handshake. Throw a `ClientError` to refuse it:
 * `ERR_UNAUTHORIZED` becomes 401, `ERR_FORBIDDEN` and codes of your own 403. Anything else that is thrown
 * becomes 500, and so does anything that is not an identity (ERR_IDENTITY_INVALID).
 *
 * @example
 * ```ts
 * const authorizer: Authorizer = async ({ token }) => {
 *   const session = await sessions.find(token);
 *   if (!session) throw new ClientError('ERR_UNAUTHORIZED', 'Sign in again.');
 *   return { userId: session.userId, expiresAt: session.expiresAt };
 * };
 * ```
 * @group Access and identity
 */
export type Authorizer = (request: AuthorizerRequest) => Identity | Promise<Identity>;

/** The parts of a handshake that the framework reads, from a `$connect` or an authorizer event. */
export interface Handshake extends AuthorizerRequest {
  readonly origin?: string;
  /** The sub-protocols that the client offered, in its order. */
  readonly subprotocols: readonly string[];
}

/** Reads a handshake from a `$connect` or a REQUEST authorizer event. */
export function readHandshake(event: WebSocketEvent | AuthorizerRequestEvent): Handshake {
  const headers = readHeaders(event);
  const query = Object.assign(bare(), event.queryStringParameters);
  const subprotocols = (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const token = tokenOf(subprotocols, headers['authorization'], query['token']);
  return {
    headers,
    query,
    subprotocols,
    sourceIp: event.requestContext.identity?.sourceIp ?? '',
    ...(token !== undefined && { token }),
    ...(headers['origin'] !== undefined && { origin: headers['origin'] }),
  };
}

type Fields = Record<string, string | undefined>;

// A header that is sent in several lines, in any case, means the same as one line with commas (RFC 9110,
// section 5.3); `headers` only has the last line. Cookies are joined by semicolons (RFC 9113).
function readHeaders({ headers, multiValueHeaders }: HandshakeFields): Fields {
  const found = bare();
  for (const [name, value] of Object.entries(headers ?? {})) found[name.toLowerCase()] = value;
  const lines = new Map<string, readonly string[]>();
  for (const [name, values = []] of Object.entries(multiValueHeaders ?? {})) {
    const key = name.toLowerCase();
    lines.set(key, [...(lines.get(key) ?? []), ...values]);
  }
  for (const [name, values] of lines) found[name] = values.join(name === 'cookie' ? '; ' : ', ');
  return found;
}

/** An object without a prototype, so that looking up any name only finds what the client sent. */
function bare(): Fields {
  return Object.create(null) as Fields;
}

function tokenOf(
  subprotocols: readonly string[],
  authorization: string | undefined,
  query: string | undefined,
): string | undefined {
  const offered = subprotocols.find((name) => name.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  if (offered !== undefined) {
    return Buffer.from(offered.slice(TOKEN_SUBPROTOCOL_PREFIX.length), 'base64url').toString(
      'utf8',
    );
  }
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? (query || undefined);
}

/**
 * Refuses pages of other origins. Only browsers can act for a user who is visiting another site, and
 * browsers always send `Origin`. So a handshake without `Origin` is accepted.
 */
export function checkOrigin(
  { origin, headers }: Handshake,
  allowed: readonly string[] | undefined,
): void {
  if (!allowed || origin === undefined || originMatches(origin, headers.host, allowed)) return;
  throw new ClientError('ERR_ORIGIN', 'This origin is not allowed.');
}

/**
 * The sub-protocol for the answer; `undefined` if the client offered none. A client may name the version in
 * the query instead, as `protocol=1`, or nowhere.
 *
 * @throws ClientError - ERR_PROTOCOL, for another version.
 */
export function chooseSubprotocol({ subprotocols, query }: Handshake): string | undefined {
  const isKnown = query.protocol === undefined || query.protocol === '1';
  if (!isKnown || (subprotocols.length > 0 && !subprotocols.includes(SUBPROTOCOL))) {
    throw new ClientError('ERR_PROTOCOL', `This server speaks ${SUBPROTOCOL}.`);
  }
  return subprotocols.length > 0 ? SUBPROTOCOL : undefined;
}
