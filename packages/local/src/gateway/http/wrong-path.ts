import type { IncomingMessage } from 'node:http';
import type { Api } from '../api.js';

/** Longer paths are cut off in a report. */
const MAX_PATH_LENGTH = 100;

/** What browsers ask for by themselves. */
const OF_BROWSERS = /^\/(?:favicon\.ico$|\.well-known\/)/;

/** How a request was refused. */
interface Refused {
  readonly status: number;
  /** Whether a file was looked for. @default false */
  readonly lacksFile?: boolean;
}

/** Reports a refused request to a path that does not belong to the API or to a file. */
export function reportWrongPath(api: Api, request: IncomingMessage, refused: Refused): void {
  const [pathname = ''] = (request.url ?? '').split('?');
  if (OF_BROWSERS.test(pathname)) return;
  const detail = wrongPath(api, request, refused);
  api.report({ time: api.now(), route: 'HTTP', connectionId: '', result: 'refused', detail });
}

/** `403 GET /prod: the API is at /dev`, without the query, which may have a token. */
export function wrongPath(
  { path }: Pick<Api, 'path'>,
  { method = '', url = '' }: IncomingMessage,
  { status, lacksFile = false }: Refused,
): string {
  const [pathname = ''] = url.split('?');
  const asked = `${status} ${method} ${pathname.slice(0, MAX_PATH_LENGTH)}`;
  return `${asked}: ${lacksFile ? 'there is no such file, and ' : ''}the API is at ${path || '/'}`;
}
