import type { PongFrame } from '@gatecast/protocol';
import type { MessageRoute } from '../channel/route-table.js';
import { unknownAction } from '../channel/unknown-names.js';
import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Connection } from '../wire/connection.js';
import { errorResponse, idOfRefused, NO_ANSWER, parseFrame, type RawFrame } from '../wire/frame.js';
import { IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type {
  AuthorizerRequestEvent,
  LambdaContext,
  PolicyResponse,
  ProxyResponse,
  WebSocketEvent,
} from '../wire/lambda-events.js';
import { handleAuthorizer } from './authorizer.js';
import { handleConnect, refusalOf } from './connect.js';
import type { Call } from './contexts.js';
import { handleDisconnect } from './disconnect.js';
import { type AppCore, identityOf } from './invocation.js';
import { endExpired, handleMessage } from './message.js';
import { handleSubscribe, handleUnsubscribe } from './subscribe.js';

const PONG: ProxyResponse = {
  statusCode: 200,
  body: JSON.stringify({ type: 'pong' } satisfies PongFrame),
};

/**
 * The Lambda handler: one function for every event that the app can receive, of a WebSocket API and
 * of its REQUEST authorizer. What goes wrong in a message is answered and reported; it does not
 * reject.
 *
 * @throws UsageError - ERR_EVENT_UNKNOWN, for any other event.
 * @throws Error - `Unauthorized`, for an authorizer event that is refused: API Gateway makes 401 of
 * that text and 500 of any other.
 */
export type Handler = (
  event: unknown,
  context?: unknown,
) => Promise<ProxyResponse | PolicyResponse>;

/** Makes an app's handler. What can be looked up once is looked up here. */
export function makeHandler(core: AppCore): Handler {
  const messages = new Map<string, MessageRoute>();
  for (const route of core.table.routes) {
    if ('message' in route) messages.set(route.key, route);
  }
  // Not async itself: each layer of promises costs on the path of a message.
  return (event, context) => {
    const lambdaContext = context as LambdaContext | undefined;
    if (!isKnown(event)) {
      const keys = typeof event === 'object' && event !== null ? Object.keys(event).join(', ') : '';
      return Promise.reject(makeError('ERR_EVENT_UNKNOWN', { keys: keys || String(event) }));
    }
    if ('type' in event) return handleAuthorizer(core, event);
    const { eventType, routeKey } = event.requestContext;
    const call: Call = { core, event, lambdaContext, route: routeKey };
    if (eventType === 'MESSAGE') return answer(call, messages);
    return eventType === 'CONNECT' ? connect(call) : disconnect(call);
  };
}

function isKnown(event: unknown): event is WebSocketEvent | AuthorizerRequestEvent {
  const { requestContext, type } = (event ?? {}) as Partial<AuthorizerRequestEvent>;
  const { eventType } = requestContext ?? {};
  if (type !== undefined) return type === 'REQUEST' && eventType === 'CONNECT';
  return eventType === 'MESSAGE' || eventType === 'CONNECT' || eventType === 'DISCONNECT';
}

async function connect(call: Call): Promise<ProxyResponse> {
  try {
    return await handleConnect(call);
  } catch (error) {
    report(call, error, true);
    return refusalOf(error);
  }
}

async function disconnect(call: Call): Promise<ProxyResponse> {
  try {
    await handleDisconnect(call);
  } catch (error) {
    report(call, error, false);
  }
  return NO_ANSWER;
}

async function answer(call: Call, messages: Map<string, MessageRoute>): Promise<ProxyResponse> {
  let frame: RawFrame | undefined;
  let isTwoWay = true;
  try {
    frame = parseFrame(call.event.body);
    const { action } = frame;
    if (action === 'ping') return PONG;
    const route = typeof action === 'string' ? messages.get(action) : undefined;
    isTwoWay = route?.twoWay ?? true;
    const connection = needsIdentity(call)
      ? await identified(call)
      : makeConnection(call.event.requestContext, undefined);
    if (!connection) return NO_ANSWER;
    const { core, event, lambdaContext } = call;
    const connected = {
      core,
      event,
      lambdaContext,
      connection,
      route: typeof action === 'string' ? action : call.route,
    };
    if (route) return await handleMessage(connected, route, frame);
    if (action === 'subscribe') return await handleSubscribe(connected, frame);
    if (action === 'unsubscribe') return await handleUnsubscribe(connected, frame);
    throw typeof action === 'string'
      ? new ClientError('ERR_ACTION_UNKNOWN', unknownAction(core.table, action))
      : new ClientError('ERR_FRAME_INVALID', '"action" must be a string.');
  } catch (error) {
    report(call, error, isTwoWay);
    return isTwoWay
      ? errorResponse(frame ? frame['id'] : idOfRefused(call.event.body), error)
      : NO_ANSWER;
  }
}

// An app without authorizer knows nobody, and has nothing to look up.
function needsIdentity({ core, event }: Call): boolean {
  return (
    core.authorizer !== undefined || event.requestContext.authorizer?.[IDENTITY_KEY] !== undefined
  );
}

/** Who the connection is; nothing when its time was up and it has been sent away. */
async function identified({ core, event, lambdaContext }: Call): Promise<Connection | undefined> {
  const { requestContext } = event;
  const identity = await identityOf(core, { request: requestContext, lambdaContext });
  if (await endExpired(core, identity, requestContext)) return undefined;
  return makeConnection(requestContext, identity);
}

function report({ core, event, route }: Call, error: unknown, isAnswered: boolean): void {
  const { connectionId, requestId } = event.requestContext;
  core.report(error, { route, connectionId, requestId, isAnswered });
}
