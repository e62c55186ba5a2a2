import { describeValue } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';

const ENTRY =
  'an origin as browsers send it, without wildcard, user or path: https://chat.example.com';

/**
 * Normalises the option `origins` of an app: each entry becomes what a browser sends, in lower case and
 * without the default port.
 *
 * @throws ConfigurationError - ERR_OPTION_VALUE, for an empty list, and for an entry that can never equal
 * an `Origin`.
 */
export function parseOrigins(list: readonly unknown[]): readonly string[] {
  if (list.length === 0) {
    throw makeError('ERR_OPTION_VALUE', {
      where: 'createApp()',
      option: 'origins',
      given: 'an empty list',
      takes: `a list, each entry ${ENTRY}; leave the option out to let in every origin`,
    });
  }
  return list.map((entry, index) => {
    const origin = typeof entry === 'string' ? entryOrigin(entry) : undefined;
    if (origin !== undefined) return origin;
    throw makeError('ERR_OPTION_VALUE', {
      where: 'createApp()',
      option: `origins[${index}]`,
      given: describeValue(entry),
      takes: ENTRY,
    });
  });
}

/**
 * Whether a page may connect: its `Origin` is on the list or equals the host of the handshake. The latter
 * is safe because API Gateway does not serve pages on that host, so no other site has that origin. React
 * Native on Android and Windows sends it: it derives `Origin` from the WebSocket's URL.
 *
 * @param host - The header `Host` of the handshake.
 * @param allowed - The result of {@link parseOrigins}.
 */
export function originMatches(
  origin: string,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  const parsed = originOf(parse(origin));
  if (parsed === undefined) return false;
  if (allowed.includes(parsed)) return true;
  const scheme = /^https?:/.exec(parsed)?.[0];
  return (
    scheme !== undefined && host !== undefined && originOf(parse(`${scheme}//${host}`)) === parsed
  );
}

function entryOrigin(entry: string): string | undefined {
  const url = parse(entry);
  if (!url || url.hostname.includes('*') || /^wss?:$/.test(url.protocol)) return undefined;
  const { username, password, pathname, search, hash } = url;
  const isBare = [username, password, search, hash].every((part) => part === '');
  return isBare && (pathname === '' || pathname === '/') ? originOf(url) : undefined;
}

/** `URL.origin` is "null" for the schemes of apps and extensions, such as `capacitor://localhost`. */
function originOf(url: URL | undefined): string | undefined {
  return url && url.host !== '' ? `${url.protocol}//${url.host}`.toLowerCase() : undefined;
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
