import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { makeAuthorizerEvent, makeConnectionId, makeRequestId } from '@gatecast/framework/testing';
import { mayConnect } from '../access/access.js';
import { authorize } from '../access/authorizer.js';
import { isThrottled } from '../access/throttling.js';
import type { Api } from '../api.js';
import type { ServedDeployment } from '../deployment.js';
import type { Acceptor } from './acceptor.js';
import { connect } from './connect.js';
import { Connection, type ConnectionFacts } from './connection.js';
import { sendDisconnect } from './disconnect.js';
import type { AnswerIds } from './error-text.js';
import { messageHandler } from './messages.js';
import { refuse } from './refusal.js';
import { problemWith, readUpgradeRequest } from './upgrade-request.js';

/** A request to become a WebSocket, as Node hands it over. */
export interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** What a connection that ended without a close frame is said to have ended with (RFC 6455, 7.1.5). */
const DROPPED = 1006;

type Admission =
  | {
      readonly type: 'admitted';
      readonly facts: ConnectionFacts;
      readonly protocol: string | undefined;
    }
  | { readonly type: 'refused'; readonly status: number }
  | { readonly type: 'left' };

/**
 * Takes a handshake through the authorizer, `$connect` and the answer, in this order (row 3.1). The
 * client waits meanwhile: nothing it sends is read, and nothing can be posted to it.
 *
 * A client that leaves before the answer never had a connection. If `$connect` had accepted it, the
 * function gets a `$disconnect` with 1006 all the same, so that it can drop what it stored;
 * otherwise it gets none.
 */
export async function answerHandshake(
  api: Api,
  acceptor: Acceptor,
  handshake: Handshake,
): Promise<void> {
  const { request, socket } = handshake;
  // Whatever befalls the socket, the steps below look whether the client is still there.
  socket.on('error', () => {});
  const { deployment } = api;
  const { generation } = api.connections;
  const ids = { connectionId: makeConnectionId(), requestId: makeRequestId() };
  const problem = deployment ? problemWith(request, api.path) : 403;
  if (!deployment || problem) {
    refuse(socket, problem ?? 403, ids);
    return;
  }
  // Before the authorizer, so that what is too much costs no invocation.
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
  const { facts, protocol } = admission;
  const webSocket = hasLeft(socket) ? undefined : acceptor.accept({ ...handshake, protocol });
  if (!webSocket) {
    socket.destroy();
    await sendDisconnect(api, facts, { code: DROPPED, reason: '' });
    return;
  }
  const connection = new Connection(facts, webSocket);
  connection.read(socket, messageHandler(api, connection), () => {
    if (api.pingsCount) connection.lastActiveAt = api.now();
  });
  const finished = connection.ended.then((ending) => sendDisconnect(api, facts, ending));
  api.connections.add(connection, finished);
  // Whoever closed all connections meant this one too, whose `$connect` had not answered yet.
  if (generation !== api.connections.generation) connection.close(1001, 'Going away');
}

async function admit(
  api: Api,
  deployment: ServedDeployment,
  { handshake, ids }: { readonly handshake: Handshake; readonly ids: AnswerIds },
): Promise<Admission> {
  const { connectionId, requestId } = ids;
  const connectedAt = api.now();
  const { headers, query, sourceIp, userAgent } = readUpgradeRequest(handshake.request);
  const facts = { connectionId, connectedAt, sourceIp, userAgent };
  const asked = { ...api.facts, ...facts, headers, query, requestId, now: connectedAt };

  const verdict =
    deployment.authorizer &&
    (await authorize(api, deployment.authorizer, makeAuthorizerEvent(asked)));
  if (verdict?.isAllowed === false) return { type: 'refused', status: verdict.status };
  const { usageIdentifierKey } = verdict ?? {};
  const applicant = { request: handshake.request, connectionId, usageIdentifierKey };
  if (!(await mayConnect(api, deployment.routes.get('$connect'), applicant))) {
    return { type: 'refused', status: 403 };
  }
  if (hasLeft(handshake.socket)) return { type: 'left' };

  const integrationLatency = api.now() - connectedAt;
  const authorizer = verdict && { ...verdict.values, integrationLatency };
  const answer = await connect(api, deployment, { ...asked, authorizer });
  if (!answer.isAccepted) return { type: 'refused', status: answer.status };
  return {
    type: 'admitted',
    facts: { ...facts, authorizer: verdict?.values },
    protocol: answer.protocol,
  };
}

function hasLeft(socket: Duplex): boolean {
  return socket.destroyed || socket.readableEnded;
}
