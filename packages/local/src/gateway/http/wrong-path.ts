import type { IncomingMessage } from 'node:http';
import type { Api } from '../api.js';

/** Longer paths are cut off in a report. */
const MAX_PATH_LENGTH = 100;

/** What browsers ask for by themselves. */
const OF_BROWSERS = /^\/(?:favicon\.ico$|\.well-known\/)/;

/** Reports a refused request to a path that does not belong to the API or to a file. */
export function reportWrongPath(api: Api, request: IncomingMessage, status: number): void {
  const [pathname = ''] = (request.url ?? '').split('?');
  if (OF_BROWSERS.test(pathname)) return;
  const detail = wrongPath(api, request, status);
  api.report({ time: api.now(), route: 'HTTP', connectionId: '', result: 'refused', detail });
}

/** `403 GET /prod: the API is at /dev`, without the query, which may have a token. */
export function wrongPath(
  { path }: Pick<Api, 'path'>,
  { method = '', url = '' }: IncomingMessage,
  status: number,
): string {
  const [pathname = ''] = url.split('?');
  return `${status} ${method} ${pathname.slice(0, MAX_PATH_LENGTH)}: the API is at ${path || '/'}`;
}
