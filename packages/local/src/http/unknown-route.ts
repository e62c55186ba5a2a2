import type { Api } from '../api.js';
import { answerError, type Exchange } from './answer.js';

/**
 * Answers a request to a path of the API behind which there is nothing. On a custom domain API
 * Gateway says so with 404 and the path that is left without the base path: that is what a function
 * gets that posts to `https://${domainName}/${stage}` there (row 6.2). That the status is 404 is
 * known from reports of the same message, of which none shows it for `@connections`.
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

/** The text as it is meant; as it stands when it is encoded wrongly. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
