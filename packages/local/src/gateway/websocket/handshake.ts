import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { makeAuthorizerEvent, makeConnectionId, makeRequestId } from '@gatecast/framework/testing';
import { hostOfApi } from '../../execute-api-host.js';
import { mayConnect } from '../access/access.js';
import { authorize } from '../access/authorizer.js';
import { isThrottled } from '../access/throttling.js';
import type { Api } from '../api.js';
import type { ServedDeployment } from '../deployment.js';
import { isFromLocalPage } from '../http/local-host.js';
import { wrongPath } from '../http/wrong-path.js';
import type { Acceptor } from './acceptor.js';
import { connect } from './connect.js';
import { Connection, type ConnectionDetails } from './connection.js';
import { sendDisconnect } from './disconnect.js';
import { messageHandler } from './messages.js';
import { type AnswerIds, refuse } from './refusal.js';
import { exceededQuota, problemWith, readUpgradeRequest } from './upgrade-request.js';

/** A WebSocket handshake, as Node passes it on. */
export interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** The close code of a connection that ended without a close frame (RFC 6455, 7.1.5). */
const DROPPED = 1006;

/** The quota of REST APIs (row 7.21). */
const DEFAULT_MAX_HEADER_BYTES = 10_240;

type Admission =
  | {
      readonly type: 'admitted';
      readonly details: ConnectionDetails;
      readonly protocol: string | undefined;
    }
  | { readonly type: 'refused'; readonly status: number }
  | { readonly type: 'left' };

/**
 * Handles a handshake: authorizer, `$connect` and answer, in this order (row 3.1). Meanwhile the client
 * waits: nothing is read from it, and nothing can be posted to it.
 *
 * A client that leaves before the answer never had a connection. If `$connect` had accepted it, the
 * function still gets a `$disconnect` with 1006, so that it can delete what it stored.
 */
export async function answerHandshake(
  api: Api,
  acceptor: Acceptor,
  handshake: Handshake,
): Promise<void> {
  // Errors of the socket are ignored, because each step checks whether the client is still there.
  handshake.socket.on('error', () => {});
  const ids = { connectionId: makeConnectionId(), requestId: makeRequestId() };
  const time = api.now();
  try {
    await handleHandshake(api, acceptor, { handshake, ids });
  } catch (error) {
    refuse(handshake.socket, 500, ids);
    const { connectionId } = ids;
    const detail = `The gateway failed: ${String(error)}`;
    api.report({ time, route: '$connect', connectionId, result: 'failed', detail });
  }
}

async function handleHandshake(
  api: Api,
  acceptor: Acceptor,
  { handshake, ids }: { readonly handshake: Handshake; readonly ids: AnswerIds },
): Promise<void> {
  const { request, socket } = handshake;
  const { deployment } = api;
  const { generation } = api.connections;
  const problem = api.isStopping ? 503 : deployment ? problemWith(request, api.path) : 403;
  if (!deployment || problem) {
    refuse(socket, problem ?? 403, ids);
    reportProblem(api, ids, { request, problem });
    return;
  }
  const { host, origin } = request.headers;
  // Only a function on this machine finds the gateway under the API's own name.
  const isFromFunction = origin === undefined && hostOfApi(api.details.apiId, host) !== undefined;
  if (api.localPagesOnly && !isFromFunction && !isFromLocalPage(request.headers)) {
    refuse(socket, 403, ids);
    reportForeignPage(api, ids, request.headers);
    return;
  }
  const quota = exceededQuota(request, api.quirks.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES);
  if (quota) {
    refuse(socket, quota.status, ids);
    const { connectionId } = ids;
    const refused = { time: api.now(), route: '$connect', connectionId, detail: quota.detail };
    api.report({ ...refused, result: 'refused' });
    return;
  }
  // Before the authorizer, so that throttled handshakes do not cause invocations.
  if (isThrottled(api, deployment, { route: '$connect', connectionId: ids.connectionId })) {
    refuse(socket, 429, ids);
    return;
  }
  const admission = await admit(api, deployment, { handshake, ids });
  if (admission.type === 'refused') {
    refuse(socket, admission.status, ids);
    return;
  }
  if (admission.type === 'left') {
    socket.destroy();
    return;
  }
  const { details, protocol } = admission;
  const webSocket = hasLeft(socket) ? undefined : acceptor.accept({ ...handshake, protocol });
  if (!webSocket) {
    socket.destroy();
    await sendDisconnect(api, details, { code: DROPPED, reason: '' });
    return;
  }
  const connection = new Connection(details, webSocket);
  connection.read(socket, messageHandler(api, connection), () => {
    if (api.quirks.pingsResetIdle === true) connection.lastActiveAt = api.now();
  });
  const finished = connection.ended.then((ending) => sendDisconnect(api, details, ending));
  api.connections.add(connection, finished);
  // All connections were closed during this handshake, so this one is closed, too.
  if (generation !== api.connections.generation) connection.close(1001, 'Going away');
}

/** A client that connects to the wrong place only sees a status, or in a browser nothing at all. */
function reportProblem(
  api: Api,
  { connectionId }: AnswerIds,
  { request, problem }: { readonly request: IncomingMessage; readonly problem: number | undefined },
): void {
  if (api.isStopping) return;
  const details: Readonly<Record<number, string>> = {
    400: '400: a header of the handshake is missing or wrong (RFC 6455, 4.1).',
    403: wrongPath(api, request, { status: 403 }),
  };
  const detail = api.deployment ? details[problem ?? 403] : '403: nothing is deployed yet.';
  const refused = { time: api.now(), route: '$connect', connectionId, result: 'refused' } as const;
  api.report({ ...refused, detail: detail ?? String(problem) });
}

function reportForeignPage(
  api: Api,
  { connectionId }: AnswerIds,
  { host, origin = 'none' }: IncomingHttpHeaders,
): void {
  const detail =
    `Only pages of this machine may connect, not Origin "${origin}" at Host "${host}". ` +
    'Allow others with --any-origin (localPagesOnly: false).';
  const refused = { time: api.now(), route: '$connect', connectionId, detail };
  api.report({ ...refused, result: 'refused' });
}

async function admit(
  api: Api,
  deployment: ServedDeployment,
  { handshake, ids }: { readonly handshake: Handshake; readonly ids: AnswerIds },
): Promise<Admission> {
  const { connectionId, requestId } = ids;
  const connectedAt = api.now();
  const { headers, query, sourceIp, userAgent } = readUpgradeRequest(handshake.request);
  const { host: domainName = api.details.domainName } = handshake.request.headers;
  const details = { connectionId, domainName, connectedAt, sourceIp, userAgent };
  const eventOptions = { ...api.details, ...details, headers, query, requestId, now: connectedAt };

  const verdict =
    deployment.authorizer &&
    (await authorize(api, deployment.authorizer, makeAuthorizerEvent(eventOptions)));
  if (verdict?.isAllowed === false) return { type: 'refused', status: verdict.status };
  const { usageIdentifierKey } = verdict ?? {};
  const applicant = { request: handshake.request, connectionId, usageIdentifierKey };
  if (!(await mayConnect(api, deployment.routes.get('$connect'), applicant))) {
    return { type: 'refused', status: 403 };
  }
  if (hasLeft(handshake.socket)) return { type: 'left' };

  const integrationLatency = api.now() - connectedAt;
  const authorizer = verdict && { ...verdict.values, integrationLatency };
  const answer = await connect(api, deployment, { ...eventOptions, authorizer });
  if (!answer.isAccepted) return { type: 'refused', status: answer.status };
  return {
    type: 'admitted',
    details: { ...details, authorizer: verdict?.values },
    protocol: answer.protocol,
  };
}

function hasLeft(socket: Duplex): boolean {
  return socket.destroyed || socket.readableEnded;
}
