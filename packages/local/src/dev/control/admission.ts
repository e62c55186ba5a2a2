import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isLocalHost } from '../../gateway/http/local-host.js';
import { RequestError } from './request.js';

/**
 * Refuses requests that a foreign web page could send through the developer's browser. With DNS
 * rebinding, `Host` is the page's own name. With CSRF, `Origin` or `Sec-Fetch-Site` tell of another page,
 * or the body is not JSON.
 *
 * @throws RequestError 403 or 415.
 */
export function admit({ method = '', headers }: IncomingMessage): void {
  const { host, origin } = headers;
  if (!isLocalHost(host)) {
    throw new RequestError(
      403,
      'The control API only answers to the host names localhost, 127.0.0.1 and [::1].',
    );
  }
  const isOwn = origin === undefined || [`http://${host}`, `https://${host}`].includes(origin);
  if (!isOwn || isPartOfOtherPage(headers)) {
    throw new RequestError(403, 'Pages of another origin may not read or change anything.');
  }
  if (method === 'GET' || method === 'HEAD') return;
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    throw new RequestError(
      415,
      'Send the body as JSON, with the header "Content-Type: application/json".',
    );
  }
}

/** Such as an image or a stream. A link to the page of the gateway is allowed. */
function isPartOfOtherPage(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'] ?? 'none';
  return site !== 'same-origin' && site !== 'none' && headers['sec-fetch-mode'] !== 'navigate';
}
