import { RedisSetupError } from './redis-failure.js';

/** The address and the credentials in a URL, named as ioredis names them. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: object;
}

/** Reads `redis://user:password@host:6379/0`. Its errors never show anything that may be a password. */
export function readAddress(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !isOfServer(url)) throw unreadable(text);
  const { protocol, hostname, port, pathname } = url;
  const [username, password] = [url.username, url.password].map((part) => decode(part, text));
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || 6379),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    ...(username && { username }),
    ...(password && { password }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

// An unescaped "/", "?" or "#" in a password ends the host too early, and the rest appears in the path.
function isOfServer({ protocol, hostname, pathname, search, hash }: URL): boolean {
  return (
    /^rediss?:$/.test(protocol) && hostname !== '' && /^\/?\d*$/.test(pathname + search + hash)
  );
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unreadable(text);
  }
}

function unreadable(text: string): RedisSetupError {
  return new RedisSetupError(
    `"${withoutPassword(text)}" is not the URL of a Redis server.`,
    'Use the form redis://host:6379, or rediss://user:password@host:6379 for TLS, with the password percent-encoded.',
  );
}

// A password may stand before the "@" or, for other libraries, behind the "?". With an "@" behind a "?"
// it may be either, so everything is hidden.
function withoutPassword(text: string): string {
  const [, head = '', tail = ''] = /^([^?#]*)(.*)$/s.exec(text) ?? [];
  if (tail.includes('@')) return '…';
  const cut = tail === '' ? '' : `${tail[0]}…`;
  if (head.includes('@')) return head.replace(/^.*@/s, '…@') + cut;
  // Without an "@" the text may be a URL that was cut off. A number behind a colon is a port; anything
  // else may be a password.
  const [known = ''] = /^(?:[a-z]+:\/\/)?[^:/]*(?::\d+)?(?:\/\d*)?/i.exec(head) ?? [];
  if (known === head && /^(?:\?\w+=|$)/.test(tail)) return head + cut;
  const colon = /:(?!\/\/)/.exec(head);
  return `${head.slice(0, colon ? colon.index + 1 : known.length)}…`;
}
