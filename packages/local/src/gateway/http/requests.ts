import { hostOfApi } from '../../execute-api-host.js';
import { printUnexpected } from '../../unexpected.js';
import type { Api } from '../api.js';
import { answerError, type Exchange } from './answer.js';
import { isFromLocalPage } from './local-host.js';
import { answerManagement, managementTarget } from './management-api.js';
import { serveFile } from './static-files.js';
import { answerUnknownRoute, answerUpgradeRequired } from './unknown-route.js';
import { reportWrongPath } from './wrong-path.js';

/**
 * Answers all requests except handshakes: to `@connections`, to the stage itself, to the extension, and
 * for files. Never rejects.
 */
export async function answerRequest(
  api: Api,
  staticDirectory: string | undefined,
  exchange: Exchange,
): Promise<void> {
  try {
    await handleRequest(api, staticDirectory, exchange);
  } catch (error) {
    const { request, response } = exchange;
    printUnexpected(`The gateway failed at ${request.method} ${request.url}`, error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const type = 'InternalServerErrorException';
    answerError(response, 500, { type, message: 'Internal server error' });
  }
}

async function handleRequest(
  api: Api,
  staticDirectory: string | undefined,
  exchange: Exchange,
): Promise<void> {
  const { request, response } = exchange;
  const [pathname = ''] = (request.url ?? '').split('?');
  const { path, extension } = api;

  if (extension && pathname.startsWith(extension.path)) {
    await extension.answer(pathname, exchange);
    return;
  }
  const target = managementTarget(pathname);
  // An API keeps its own name beside a custom domain, with the stage in the path.
  const isAtOwnName = hostOfApi(api.details.apiId, request.headers.host) !== undefined;
  const isOwnPath = isAtOwnName && target?.path === `/${api.details.stage}`;
  if (target && (target.path === path || isOwnPath)) {
    await answerManagement(api, { ...exchange, connectionId: target.connectionId });
    return;
  }
  if (api.localPagesOnly && !isFromLocalPage({ host: request.headers.host })) {
    const message = 'Forbidden: this gateway only answers to names of this machine.';
    answerError(response, 403, { type: 'ForbiddenException', message });
    return;
  }
  const isOfApi = pathname === path || pathname.startsWith(`${path}/`);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  // If the whole domain is mapped to the API, files share it with the API.
  const asksForFile =
    isRead && !target && (!isOfApi || path === '') && staticDirectory !== undefined;
  if (asksForFile && (await serveFile(staticDirectory, pathname, exchange))) return;
  if (pathname === path || pathname === `${path}/`) {
    answerUpgradeRequired(response);
    return;
  }
  if (isOfApi) {
    answerUnknownRoute(api, exchange, pathname);
    reportWrongPath(api, request, { status: response.statusCode });
    return;
  }
  if (extension && isRead && pathname === '/') {
    await extension.answer(extension.path, exchange);
    return;
  }
  if (isRead && pathname === '/') {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`A local API Gateway. Connect to ws://${api.details.domainName}${path}.\n`);
    return;
  }
  // On AWS, every other path belongs to a stage that does not exist (row 6.6) or is not mapped.
  answerError(response, 403, { type: 'ForbiddenException', message: 'Forbidden' });
  reportWrongPath(api, request, { status: 403, lacksFile: asksForFile });
}
