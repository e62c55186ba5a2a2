import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isLocalHost } from '../../gateway/http/local-host.js';
import { RequestError } from './request.js';

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/**
 * Refuses requests that a foreign web page could send through the developer's browser. With DNS
 * rebinding, `Host` is the page's own name. With CSRF, `Origin` or `Sec-Fetch-Site` tell of another page,
 * or the body is not JSON. `ownHost` is the address that the gateway listens on.
 *
 * @throws RequestError 403 or 415.
 */
export function admit(request: IncomingMessage, ownHost: string): void {
  const { method = '', headers } = request;
  const { host, origin } = headers;
  if (!isLocalHost(host) && !(host === ownHost && isFromThisMachine(request))) {
    throw new RequestError(
      403,
      'The control API only answers to this machine, at localhost, 127.0.0.1, [::1] or the address of --host.',
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

/** Only a request of the machine itself comes from loopback, or from the address that it goes to. */
function isFromThisMachine({
  socket: { remoteAddress = '', localAddress },
}: IncomingMessage): boolean {
  return remoteAddress === localAddress || LOOPBACK.test(remoteAddress);
}

/** Such as an image or a stream. A link to the page of the gateway is allowed. */
function isPartOfOtherPage(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'] ?? 'none';
  return site !== 'same-origin' && site !== 'none' && headers['sec-fetch-mode'] !== 'navigate';
}
