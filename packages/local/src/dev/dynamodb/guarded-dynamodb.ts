import { EventEmitter } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isLocalHost } from '../../gateway/http/local-host.js';
import { readBody } from '../../gateway/http/read-body.js';
import type { Advise } from './advice.js';

/** dynalite's own limit. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * Puts checks before dynalite, which answers everybody who reaches its port: a request must name this
 * machine as its host and must not come from a web page, which always has an `Origin`. dynalite only gets
 * whole requests, because it throws when one is cut off.
 */
export function guarded(answer: RequestListener, advise: Advise): RequestListener {
  return (request, response) => void pass({ answer, advise }, request, response);
}

async function pass(
  { answer, advise }: { readonly answer: RequestListener; readonly advise: Advise },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const read = await readBody(request, MAX_BODY_BYTES);
  if (read.type === 'cut off') return;
  if (read.type === 'too large') return refuse(response, 413, 'The request is too large.');
  const { method, url, headers } = request;
  if (!isLocalHost(headers.host) || headers.origin !== undefined) {
    return refuse(
      response,
      403,
      'The embedded DynamoDB only answers to functions of this machine.',
    );
  }
  tellOf(response, (text) => advise(String(headers['x-amz-target']), read.body.toString(), text));
  const replay = Object.assign(new EventEmitter(), { method, url, headers });
  try {
    answer(replay as IncomingMessage, response);
    if (read.body.length > 0) replay.emit('data', read.body);
    replay.emit('end');
  } catch (error) {
    if (response.headersSent) return;
    refuse(response, 500, `The embedded DynamoDB could not read the request: ${String(error)}`);
  }
}

/** Calls back with what dynalite answers. It writes each answer as one text. */
function tellOf(response: ServerResponse, tell: (answer: string) => void): void {
  const end = response.end.bind(response) as (text?: unknown) => ServerResponse;
  response.end = (text?: unknown) => {
    tell(typeof text === 'string' ? text : '');
    return end(text);
  };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const type = status === 500 ? 'InternalServerError' : 'AccessDeniedException';
  response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: type, message }));
}
