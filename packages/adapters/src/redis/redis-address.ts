import { RedisSetupError } from './redis-failure.js';

/** What a URL says of a server, in the words of ioredis. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: object;
}

/** Reads `redis://user:password@host:6379/0`. Its errors never show what stands before the "@". */
export function readAddress(url: string): RedisAddress {
  const given = URL.canParse(url) ? new URL(url) : undefined;
  if (given?.hostname === undefined || !/^rediss?:$/.test(given.protocol) || !given.hostname) {
    throw new RedisSetupError(
      `"${url.replace(/^.*@/s, '…@')}" is not the URL of a Redis server.`,
      'Pass one of the form redis://host:6379, or rediss://user:password@host:6379 for TLS.',
    );
  }
  const { protocol, hostname, port, username, password, pathname } = given;
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || 6379),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}
