import { answer, answerError, type Exchange } from './answer.js';
import type { Api } from './api.js';
import type { Credentials } from './credentials.js';
import { answerManagement, managementTarget } from './management-api.js';
import { serveFile } from './static-files.js';

export interface RequestOptions {
  readonly credentials: Credentials;
  readonly staticDirectory: string | undefined;
}

/** Answers what is no handshake: requests to `@connections`, to the stage itself, and for files. */
export async function answerRequest(
  api: Api,
  { credentials, staticDirectory }: RequestOptions,
  exchange: Exchange,
): Promise<void> {
  const { request, response } = exchange;
  const [pathname = ''] = (request.url ?? '').split('?');
  const { stage, domainName } = api.facts;

  const target = managementTarget(pathname);
  if (target?.stage === stage) {
    await answerManagement(api, credentials, { ...exchange, connectionId: target.connectionId });
    return;
  }
  if (pathname === `/${stage}` || pathname === `/${stage}/`) {
    response.setHeader('Upgrade', 'websocket');
    answer(response, 426, { message: 'Upgrade Required' });
    return;
  }
  if (pathname.startsWith(`/${stage}/`)) {
    const type = 'MissingAuthenticationTokenException';
    answerError(response, 403, { type, message: 'Missing Authentication Token' });
    return;
  }
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && !target && staticDirectory !== undefined) {
    if (await serveFile(staticDirectory, pathname, exchange)) return;
  }
  if (isRead && pathname === '/') {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`A local API Gateway. Connect to ws://${domainName}/${stage}.\n`);
    return;
  }
  // On AWS every other path is one of a stage that does not exist (row 6.6).
  answerError(response, 403, { type: 'ForbiddenException', message: 'Forbidden' });
}
