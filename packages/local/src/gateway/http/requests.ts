import { answerControl } from '../../dev/control/control-api.js';
import { CONTROL_PATH } from '../../dev/control/control-path.js';
import type { ControlledFunctions } from '../../dev/control/state.js';
import { printUnexpected } from '../../unexpected.js';
import type { Credentials } from '../access/credentials.js';
import type { Api } from '../api.js';
import { answer, answerError, type Exchange } from './answer.js';
import { hostOfApi } from './execute-api-host.js';
import { isFromLocalPage } from './local-host.js';
import { answerManagement, managementTarget } from './management-api.js';
import { serveFile } from './static-files.js';
import { answerUnknownRoute } from './unknown-route.js';

export interface RequestOptions {
  readonly credentials: Credentials;
  readonly staticDirectory: string | undefined;
  readonly functions: ControlledFunctions | undefined;
}

/**
 * Answers all requests except handshakes: to `@connections`, to the stage itself, and for files. Never
 * rejects.
 */
export async function answerRequest(
  api: Api,
  options: RequestOptions,
  exchange: Exchange,
): Promise<void> {
  try {
    await handleRequest(api, options, exchange);
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
  { credentials, staticDirectory, functions }: RequestOptions,
  exchange: Exchange,
): Promise<void> {
  const { request, response } = exchange;
  const [pathname = ''] = (request.url ?? '').split('?');
  const { path, journal } = api;

  if (journal && pathname.startsWith(CONTROL_PATH)) {
    await answerControl({ api, functions, journal }, pathname, exchange);
    return;
  }
  const target = managementTarget(pathname);
  // An API keeps its own name beside a custom domain, with the stage in the path.
  const isAtOwnName = hostOfApi(api.details.apiId, request.headers.host) !== undefined;
  if (
    target &&
    (target.path === path || (isAtOwnName && target.path === `/${api.details.stage}`))
  ) {
    await answerManagement(api, credentials, { ...exchange, connectionId: target.connectionId });
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
  if (isRead && !target && staticDirectory !== undefined && (!isOfApi || path === '')) {
    if (await serveFile(staticDirectory, pathname, exchange)) return;
  }
  if (pathname === path || pathname === `${path}/`) {
    response.setHeader('Upgrade', 'websocket');
    answer(response, 426, { message: 'Upgrade Required' });
    return;
  }
  if (isOfApi) {
    answerUnknownRoute(api, exchange, pathname);
    return;
  }
  if (journal && isRead && pathname === '/') {
    await answerControl({ api, functions, journal }, CONTROL_PATH, exchange);
    return;
  }
  if (isRead && pathname === '/') {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`A local API Gateway. Connect to ws://${api.details.domainName}${path}.\n`);
    return;
  }
  // On AWS, every other path belongs to a stage that does not exist (row 6.6) or is not mapped.
  answerError(response, 403, { type: 'ForbiddenException', message: 'Forbidden' });
}
