import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** Names of this machine for itself, with any port. */
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/**
 * Whether a `Host` header names this machine. With DNS rebinding, a web page can reach a local port, but
 * only under its own name.
 */
export function isLocalHost(host: string | undefined): boolean {
  return host !== undefined && LOCAL_HOST.test(host);
}

/**
 * Whether a request comes from a page of this machine, of the machine at the same IP address, or from no
 * page. Only a name can be rebound, so an address in `Host` is what the client really asked for.
 */
export function isFromLocalPage({ host = '', origin }: IncomingHttpHeaders): boolean {
  const asked = nameOf(host);
  if (!isLocalName(asked) && !isAddress(asked)) return false;
  if (origin === undefined) return true;
  const [, page = ''] = /^https?:\/\/(.+)$/i.exec(origin) ?? [];
  return isLocalName(nameOf(page)) || (isAddress(asked) && nameOf(page) === asked);
}

/** The name of a listening address in a URL. */
export function hostInUrl(host: string | undefined): string {
  if (host === undefined || ['127.0.0.1', '0.0.0.0', '::'].includes(host)) return 'localhost';
  return isIP(host) === 6 ? `[${host}]` : host;
}

function nameOf(authority: string): string {
  return authority.replace(/:\d+$/, '').toLowerCase();
}

/** Browsers resolve every name that ends with `.localhost` to this machine. */
function isLocalName(name: string): boolean {
  return /^(?:[\w.-]+\.)?localhost$|^127\.0\.0\.1$|^\[::1\]$/.test(name);
}

function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}
