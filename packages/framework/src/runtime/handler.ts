import type { PongFrame } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import type { MessageRoute } from '../routing/route-table.js';
import { type AppCore, identityOf } from './core.js';
import { errorResponse, NO_ANSWER, parseFrame, quote, type RawFrame } from './frame.js';
import { handleAuthorizer } from './handle-authorizer.js';
import { handleConnect, refusalOf } from './handle-connect.js';
import { handleDisconnect } from './handle-disconnect.js';
import { endExpired, handleMessage } from './handle-message.js';
import { handleSubscribe, handleUnsubscribe } from './handle-subscriptions.js';
import { IDENTITY_KEY, makeConnection } from './identity.js';
import type {
  AuthorizerRequestEvent,
  LambdaContext,
  PolicyResponse,
  ProxyResponse,
  WebSocketEvent,
} from './lambda-events.js';
import type { Call } from './make-context.js';

const PONG: ProxyResponse = {
  statusCode: 200,
  body: JSON.stringify({ type: 'pong' } satisfies PongFrame),
};

/** The Lambda handler: one function for every event that the app can receive. */
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
  return async (event, context) => {
    const lambdaContext = context as LambdaContext | undefined;
    if (!isKnown(event)) {
      const keys = typeof event === 'object' && event !== null ? Object.keys(event).join(', ') : '';
      throw makeError('ERR_EVENT_UNKNOWN', { keys: keys || String(event) });
    }
    if ('type' in event) return handleAuthorizer(core, event);
    const call = { core, event, lambdaContext, route: event.requestContext.routeKey };
    if (event.requestContext.eventType === 'MESSAGE') return answer(call, messages);
    return event.requestContext.eventType === 'CONNECT' ? connect(call) : disconnect(call);
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
    const connected = await identified(call);
    if (!connected) return NO_ANSWER;
    if (route) return await handleMessage({ ...connected, route: route.key }, route, frame);
    if (action === 'subscribe')
      return await handleSubscribe({ ...connected, route: action }, frame);
    if (action === 'unsubscribe')
      return await handleUnsubscribe({ ...connected, route: action }, frame);
    throw typeof action === 'string'
      ? new ClientError('ERR_ACTION_UNKNOWN', `There is no action ${quote(action)}.`)
      : new ClientError('ERR_FRAME_INVALID', '"action" must be a string.');
  } catch (error) {
    report(call, error, isTwoWay);
    return isTwoWay ? errorResponse(frame?.id, error) : NO_ANSWER;
  }
}

type ConnectedCall = Parameters<typeof handleMessage>[0];

/** Adds who the connection is; nothing when its time was up and it has been sent away. */
async function identified(call: Call): Promise<ConnectedCall | undefined> {
  const { core, event } = call;
  const { requestContext } = event;
  if (!core.authorizer && requestContext.authorizer?.[IDENTITY_KEY] === undefined) {
    return { ...call, connection: makeConnection(requestContext, undefined) };
  }
  const identity = await identityOf(core, requestContext);
  if (await endExpired(core, identity, requestContext)) return undefined;
  return { ...call, connection: makeConnection(requestContext, identity) };
}

function report({ core, event, route }: Call, error: unknown, isAnswered: boolean): void {
  const { connectionId, requestId } = event.requestContext;
  core.report(error, { route, connectionId, requestId, isAnswered });
}
