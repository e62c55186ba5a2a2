import type { Api } from '../api.js';
import { answerError, type Exchange } from './answer.js';

/**
 * Answers a request to an unknown path of the API. On a custom domain, API Gateway answers with 404 and
 * the path without the base path. A function gets that answer if it posts to
 * `https://${domainName}/${stage}` there (row 6.2). The status 404 is known from reports of the same
 * message, but none of them is about `@connections`.
 */
export function answerUnknownRoute(
  { path, hasCustomDomain }: Api,
  { request, response }: Exchange,
  pathname: string,
): void {
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
