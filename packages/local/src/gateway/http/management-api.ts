import type { ServerResponse } from 'node:http';
import { hostOfApi } from '../../execute-api-host.js';
import { problemWithPermission } from '../access/permissions.js';
import { senderOf } from '../access/sender.js';
import { verifySignature } from '../access/signature.js';
import type { Api } from '../api.js';
import { elapsed } from '../clock.js';
import type { FaultOn } from '../faults.js';
import type { Connection } from '../websocket/connection.js';
import { MAX_MESSAGE_BYTES } from '../websocket/frame-limits.js';
import { answer, answerError, type Exchange } from './answer.js';
import { readBody } from './read-body.js';
import { decoded } from './unknown-route.js';

// Bodies that are too large to post are still read up to this size, to check their signature.
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * Splits a path to `@connections` into the API's path and the connection id, encoded or not (row 6.3).
 */
export function managementTarget(
  pathname: string,
): { readonly path: string; readonly connectionId: string } | undefined {
  const match = /^(.*)\/(?:@|%40)connections\/([^/]+)$/.exec(pathname);
  return match ? { path: match[1] ?? '', connectionId: decoded(match[2] ?? '') } : undefined;
}

/** Answers a request to the `@connections` API: post, look up, disconnect (section 6). */
export async function answerManagement(
  api: Api,
  { request, response, connectionId }: Exchange & { readonly connectionId: string },
): Promise<void> {
  const read = await readBody(request, MAX_BODY_BYTES);
  if (read.type === 'cut off') return;
  if (read.type === 'too large') return tooLarge(response);
  const { body: sent } = read;
  const { method = '', url = '', headers } = request;
  if (api.accountThrottle?.take(api.now()) === false) {
    const type = 'LimitExceededException';
    return answerError(response, 429, { type, message: 'Too Many Requests' });
  }
  const { apiId, region } = api.details;
  const verification = await verifySignature(
    { method, url, headers, body: sent },
    api.access.credentials,
    {
      services: ['execute-api'],
      // The endpoint of a Region takes signatures for that Region.
      region: hostOfApi(apiId, headers.host)?.region ?? region,
    },
  );
  if (!verification.isValid) {
    const { errorType: type, message } = verification;
    return answerError(response, 403, { type, message });
  }
  const operation = operations.get(method);
  if (!operation) {
    const type = 'MissingAuthenticationTokenException';
    return answerError(response, 403, { type, message: 'Missing Authentication Token' });
  }
  const signer = { credentials: api.access.credentials, credential: verification.credential };
  const message = problemWithPermission(signer, api.details, {
    action: 'execute-api:ManageConnections',
    path: `${method}/@connections/{connectionId}`,
    now: api.now(),
    ...senderOf(request),
  });
  if (message !== undefined) {
    return answerError(response, 403, { type: 'ForbiddenException', message });
  }
  const body = api.quirks.invalidPosts === 'replaced' ? Buffer.from(sent.toString()) : sent;
  const time = api.now();
  const connection = api.connections.get(connectionId);
  const mayFail = connection && method === 'POST' && body.length <= MAX_MESSAGE_BYTES;
  const fault = mayFail ? api.faults.strike('post', { connectionId }) : undefined;
  // The same for connections that never existed, are closed, have a malformed id or are still in
  // `$connect` (rows 6.10, 6.11, 3.14).
  if (!connection) answerError(response, 410, { type: 'GoneException' });
  else if (fault) await postWithFault(api, fault, { connection, response, body });
  else operation(connection, { response, body, now: time });
  if (method === 'POST') {
    const { statusCode: status } = response;
    const durationMs = api.now() - time;
    api.extension?.onPost({ time, durationMs, connectionId, body, status, fault });
  }
}

async function postWithFault(
  api: Api,
  fault: FaultOn<'post'>,
  { connection, response, body }: { connection: Connection } & Omit<Call, 'now'>,
): Promise<void> {
  switch (fault.kind) {
    case 'delayed':
      await elapsed(api.clock, fault.delayMs);
      if (!connection.isOpen) return answerError(response, 410, { type: 'GoneException' });
      return post(connection, { response, body, now: api.now() });
    case 'gone':
      return answerError(response, 410, { type: 'GoneException' });
    case 'arrived-gone':
      connection.send(body);
      return answerError(response, 410, { type: 'GoneException' });
    case 'throttled':
      return answerError(response, 429, {
        type: 'LimitExceededException',
        message: 'Too Many Requests',
      });
    case 'failed':
      return answerError(response, 500, {
        type: 'InternalServerErrorException',
        message: 'Internal server error',
      });
    case 'lost':
      return answer(response, 200);
    case 'doubled':
      connection.send(body);
      return post(connection, { response, body, now: api.now() });
  }
}

interface Call {
  readonly response: ServerResponse;
  readonly body: Buffer;
  readonly now: number;
}

const operations = new Map<string, (connection: Connection, call: Call) => void>([
  ['POST', post],
  ['GET', lookUp],
  ['DELETE', disconnect],
]);

function post(connection: Connection, { response, body, now }: Call): void {
  if (body.length > MAX_MESSAGE_BYTES) {
    tooLarge(response);
    return;
  }
  if (connection.isFull) {
    const type = 'LimitExceededException';
    answerError(response, 429, { type, message: 'The client does not read its messages.' });
    return;
  }
  connection.lastActiveAt = now;
  connection.send(body);
  answer(response, 200);
}

function lookUp({ details, lastActiveAt }: Connection, { response }: Call): void {
  const { connectedAt, sourceIp, userAgent } = details;
  answer(response, 200, {
    connectedAt: new Date(connectedAt).toISOString(),
    identity: { sourceIp, userAgent },
    lastActiveAt: new Date(lastActiveAt).toISOString(),
  });
}

function disconnect(connection: Connection, { response }: Call): void {
  connection.close(1000, 'Connection Closed Normally');
  answer(response, 204);
}

function tooLarge(response: ServerResponse): void {
  const message = `The payload is larger than ${MAX_MESSAGE_BYTES} bytes.`;
  answerError(response, 413, { type: 'PayloadTooLargeException', message });
}
