import type { IncomingMessage } from 'node:http';
import { RequestError } from './request-error.js';

/** The names under which this machine knows itself, with any port. */
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/**
 * Turns down what a page of somebody else could send through the browser of whoever develops here.
 * A name of its own that it lets point to this machine (DNS rebinding) is seen in `Host`. What it
 * may send without asking (CSRF) has another `Origin`, and is not JSON.
 *
 * @throws RequestError 403 or 415.
 */
export function admit({ method = '', headers }: IncomingMessage): void {
  const { host = '', origin } = headers;
  if (!LOCAL_HOST.test(host)) {
    throw new RequestError(403, 'Only localhost, 127.0.0.1 and [::1] are served here.');
  }
  if (method === 'GET' || method === 'HEAD') return;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new RequestError(403, 'Pages of another origin may change nothing here.');
  }
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    throw new RequestError(
      415,
      'Send it as JSON: with the header "Content-Type: application/json".',
    );
  }
}
