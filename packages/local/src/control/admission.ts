import type { IncomingMessage } from 'node:http';
import { isLocalHost } from '../http/local-host.js';
import { RequestError } from './request-error.js';

/**
 * Refuses requests that a foreign web page could send through the developer's browser. With DNS
 * rebinding, `Host` is the page's own name. With CSRF, `Origin` is another one or the body is not JSON.
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
  if (method === 'GET' || method === 'HEAD') return;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new RequestError(403, 'Pages of another origin may not change anything.');
  }
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    throw new RequestError(
      415,
      'Send the body as JSON, with the header "Content-Type: application/json".',
    );
  }
}
