import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import type { Identity } from './connection.js';
import type { AuthorizerRequestEvent, HandshakeFields, WebSocketEvent } from './lambda-events.js';
import { originMatches } from './origins.js';

/** A handshake, as an authorizer sees it. */
export interface AuthorizerRequest {
  /**
   * The token, from wherever it came: the sub-protocol of a Gatecast client, the header
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
 * Says who a connection is, from its handshake. Throw a `ClientError` to refuse it:
 * `ERR_UNAUTHORIZED` becomes 401, `ERR_FORBIDDEN` and codes of your own 403. Anything else that is
 * thrown becomes 500, and so does anything that is not an identity (ERR_IDENTITY_INVALID).
 *
 * @example
 * ```ts
 * const authorizer: Authorizer = async ({ token }) => {
 *   const session = await sessions.find(token);
 *   if (!session) throw new ClientError('ERR_UNAUTHORIZED', 'Sign in again.');
 *   return { userId: session.userId, expiresAt: session.expiresAt };
 * };
 * ```
 */
export type Authorizer = (request: AuthorizerRequest) => Identity | Promise<Identity>;

/** The parts of a handshake that are read, from either of its events. */
export interface Handshake extends AuthorizerRequest {
  readonly origin?: string;
  /** What the client offered, in its order. */
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

// A header that was sent in several lines, in whatever case, means the same as one line with commas
// (RFC 9110, section 5.3); `headers` has the last line alone. Cookies are joined as RFC 9113 joins them.
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

/** An object without a prototype: no name that a client chooses finds anything it did not send. */
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
 * Refuses a page of a foreign origin. Browsers always send `Origin`, and only they need to be kept from
 * acting for a user who is looking at another site: a handshake without it passes.
 */
export function checkOrigin(
  { origin, headers }: Handshake,
  allowed: readonly string[] | undefined,
): void {
  if (!allowed || origin === undefined || originMatches(origin, headers.host, allowed)) return;
  throw new ClientError('ERR_ORIGIN', 'This origin is not allowed.');
}

/** The sub-protocol to answer with; `undefined` when the client offered none. */
export function chooseSubprotocol({ subprotocols, query }: Handshake): string | undefined {
  const isKnown = query.protocol === undefined || query.protocol === '1';
  if (!isKnown || (subprotocols.length > 0 && !subprotocols.includes(SUBPROTOCOL))) {
    throw new ClientError('ERR_PROTOCOL', `This server speaks ${SUBPROTOCOL}.`);
  }
  return subprotocols.length > 0 ? SUBPROTOCOL : undefined;
}
