import type { IncomingMessage } from 'node:http';
import { senderOf } from '../access/sender.js';

/** The contents of a handshake request, in the form that events need. */
export interface UpgradeRequest {
  readonly headers: Readonly<Record<string, string[]>>;
  readonly query: Readonly<Record<string, string[]>>;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
}

/**
 * The status to refuse a request with before any function is called; `undefined` if it is correct. `path`
 * is the path of the API.
 */
export function problemWith(request: IncomingMessage, path: string): 400 | 403 | 426 | undefined {
  const { method, headers } = request;
  const { pathname } = splitUrl(request);
  // Node only checks this for requests that are not upgrades (RFC 9112, 3.2).
  if (headers.host === undefined) return 400;
  // With or without a slash at the end (row 3.22). Any other path belongs to a stage that does not exist
  // (row 3.16).
  if (pathname !== path && pathname !== `${path}/`) return 403;
  const version = headers['sec-websocket-version'];
  const isValid =
    method === 'GET' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    version !== undefined &&
    isProtocolList(headers['sec-websocket-protocol']);
  if (!isValid) return 400;
  return version === '13' ? undefined : 426;
}

/** The longest URL of a WebSocket API, in characters (quotas of WebSocket APIs). */
const MAX_URL_LENGTH = 4_096;

/** A quota that a handshake exceeds. */
export interface ExceededQuota {
  /** The documentation names no status, so these are the statuses of HTTP. */
  readonly status: 414 | 431;
  readonly detail: string;
}

/** The quota that the URL or the headers of a handshake exceed, if any (rows 7.14, 7.21). */
export function exceededQuota(
  { url = '', headers, rawHeaders }: IncomingMessage,
  maxHeaderBytes: number,
): ExceededQuota | undefined {
  const { length } = `wss://${headers.host}${url}`;
  if (length > MAX_URL_LENGTH) {
    const detail = `The URL has ${length} characters, and may have ${MAX_URL_LENGTH}.`;
    return { status: 414, detail };
  }
  const values = rawHeaders.filter((_, index) => index % 2 === 1);
  // Node reads each byte as one character.
  const bytes = values.join('').length;
  if (bytes <= maxHeaderBytes) return undefined;
  const detail = `The values of the headers have ${bytes} bytes, and may have ${maxHeaderBytes}.`;
  return { status: 431, detail };
}

/** Reads the parts of a handshake that events need. */
export function readUpgradeRequest(request: IncomingMessage): UpgradeRequest {
  const { rawHeaders } = request;
  const { search } = splitUrl(request);
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const { sourceIp, userAgent } = senderOf(request);
  return {
    // Names are in the client's spelling (row 1.4); a repeated name has its first spelling.
    headers: group(
      names.map((name, index) => [name, rawHeaders[2 * index + 1] ?? '']),
      (name) => name.toLowerCase(),
    ),
    query: group([...new URLSearchParams(search)], (name) => name),
    sourceIp,
    userAgent,
  };
}

/** Whether a text is an HTTP token, as every sub-protocol must be. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^`|~\w]+$/.test(text);
}

function isProtocolList(header: string | undefined): boolean {
  const protocols = header?.split(',').map((protocol) => protocol.trim()) ?? [];
  return protocols.every(isToken) && new Set(protocols).size === protocols.length;
}

function splitUrl({ url = '' }: IncomingMessage): { pathname: string; search: string } {
  const [pathname = '', ...search] = url.split('?');
  return { pathname, search: search.join('?') };
}

function group(
  pairs: readonly (readonly [name: string, value: string])[],
  keyOf: (name: string) => string,
): Record<string, string[]> {
  const groups = new Map<string, [name: string, values: string[]]>();
  for (const [name, value] of pairs) {
    const group = groups.get(keyOf(name));
    if (group) group[1].push(value);
    else groups.set(keyOf(name), [name, [value]]);
  }
  return Object.fromEntries(groups.values());
}
