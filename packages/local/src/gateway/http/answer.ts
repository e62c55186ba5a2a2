import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** One HTTP request and the answer to it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers an HTTP request as API Gateway does. Without a body the answer is empty. */
export function answer(response: ServerResponse, status: number, body?: object): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'x-amzn-RequestId': randomUUID(),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    // An answer with 204 must not have a length.
    ...(status !== 204 && { 'Content-Length': Buffer.byteLength(text) }),
  });
  response.end(text);
}

/**
 * Answers with an error in the form that the AWS SDKs expect: the type in a header, and a message except
 * for 410.
 */
export function answerError(
  response: ServerResponse,
  status: number,
  error: { readonly type: string; readonly message?: string },
): void {
  response.setHeader('x-amzn-ErrorType', error.type);
  answer(response, status, error.message === undefined ? undefined : { message: error.message });
}
