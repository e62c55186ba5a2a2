import { makeConnectEvent } from '@gatecast/framework/testing';
import type { Api } from '../api.js';
import type { ServedDeployment } from '../deployment.js';
import { integrate } from '../routes/integration.js';
import { describe, type ProxyOutcome } from '../routes/invoke.js';
import type { ProxyResponse } from '../routes/proxy.js';
import { isToken } from './upgrade-request.js';

/** The decision of `$connect` about a connection. */
export type ConnectAnswer =
  | { readonly isAccepted: true; readonly protocol: string | undefined }
  | { readonly isAccepted: false; readonly status: number };

/**
 * Calls `$connect` for a connection. Without that route, every connection is accepted (row 3.2).
 */
export async function connect(
  api: Api,
  deployment: ServedDeployment,
  request: Parameters<typeof makeConnectEvent>[0],
): Promise<ConnectAnswer> {
  const route = deployment.routes.get('$connect');
  if (!route) return { isAccepted: true, protocol: undefined };
  const event = makeConnectEvent(request);
  const time = api.now();
  const outcome = checked(await integrate(api, deployment, { route, event }));
  const answer = answerFrom(outcome);
  const { connectionId } = event.requestContext;
  const described = describe(outcome);
  const isRefused = described.result === 'ok' && !answer.isAccepted;
  api.report(
    {
      time,
      route: '$connect',
      connectionId,
      ...described,
      ...(isRefused && { result: 'refused' }),
    },
    { event },
  );
  return answer;
}

/** The answer to a handshake can only contain a sub-protocol that is an HTTP token. */
function checked(outcome: ProxyOutcome): ProxyOutcome {
  const protocol = outcome.type === 'response' ? protocolIn(outcome.response) : undefined;
  return protocol === undefined || isToken(protocol)
    ? outcome
    : { type: 'failed', detail: 'Its header "Sec-WebSocket-Protocol" is not one sub-protocol.' };
}

function answerFrom(outcome: ProxyOutcome): ConnectAnswer {
  if (outcome.type === 'timeout') return { isAccepted: false, status: 504 };
  if (outcome.type === 'failed') return { isAccepted: false, status: outcome.status ?? 502 };
  const { response } = outcome;
  return response.statusCode > 299
    ? { isAccepted: false, status: response.statusCode }
    : { isAccepted: true, protocol: protocolIn(response) };
}

function protocolIn({ headers }: ProxyResponse): string | undefined {
  return headers.get('sec-websocket-protocol');
}
