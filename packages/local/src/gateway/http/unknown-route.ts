import type { ServerResponse } from 'node:http';
import type { Api } from '../api.js';
import { answer, answerError, type Exchange } from './answer.js';

/** Asks for a WebSocket instead of a plain request (row 3.17). */
export function answerUpgradeRequired(response: ServerResponse): void {
  response.setHeader('Upgrade', 'websocket');
  answer(response, 426, { message: 'Upgrade Required' });
}

/**
 * Answers a request to an unknown path of the API. A GET below the stage is asked for a WebSocket, as at
 * the stage itself (row 3.24). On a custom domain, API Gateway answers with 404 and the path without the
 * base path. A function gets that answer if it posts to `https://${domainName}/${stage}` there (row 6.2).
 * The status 404 is known from reports of the same message, but none of them is about `@connections`.
 */
export function answerUnknownRoute(
  { path, hasCustomDomain }: Api,
  { request, response }: Exchange,
  pathname: string,
): void {
  const isOfConnections = /^\/(?:@|%40)connections(?:\/|$)/.test(pathname.slice(path.length));
  if (!hasCustomDomain && request.method === 'GET' && !isOfConnections) {
    answerUpgradeRequired(response);
    return;
  }
  if (!hasCustomDomain) {
    const type = 'MissingAuthenticationTokenException';
    answerError(response, 403, { type, message: 'Missing Authentication Token' });
    return;
  }
  const route = decoded(pathname.slice(path.length + 1));
  const message = `No method found matching route ${route} for http method ${request.method}.`;
  answerError(response, 404, { type: 'NotFoundException', message });
}

/** The decoded text; unchanged if its encoding is wrong. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
