import type { PongFrame } from '@gatecast/protocol';
import { unknownAction } from '../channel/unknown-names.js';
import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import { CLEAN_UP_MS, Invocation } from '../invocation/invocation.js';
import type { FrameContext } from '../invocation/plugin.js';
import type { MaybePromise } from '../time/maybe-promise.js';
import type { Connection } from '../wire/connection.js';
import { errorResponse, idOfRefused, NO_ANSWER, parseFrame, type RawFrame } from '../wire/frame.js';
import {
  isAuthorizerEvent,
  isWebSocketEvent,
  type LambdaContext,
  type PolicyResponse,
  type ProxyResponse,
  type WebSocketEvent,
} from '../wire/lambda-events.js';
import { builtInAction, changesMemberships } from './actions.js';
import type { AppCore, EventInvocation } from './app-invocation.js';
import { handleAuthorizer } from './authorizer.js';
import { handleConnect } from './connect.js';
import { handleDisconnect } from './disconnect.js';
import { identify } from './identify.js';
import { handleMessage } from './message.js';

/**
 * The Lambda handler: one function for all events of a WebSocket API and its REQUEST authorizer. If
 * handling a message fails, the client gets an error frame and the error is reported; the handler does
 * not reject. Events that keep a function warm are only answered with status 200: a schedule of
 * EventBridge, and any event with `source: 'serverless-plugin-warmup'` or `'gatecast.warm-up'`.
 *
 * @throws UsageError - ERR_EVENT_UNKNOWN, for any other event.
 * @throws Error - `Unauthorized`, if the authorizer refuses: API Gateway turns exactly this text into
 * 401, and any other into 500.
 * @group Deployment
 */
export type Handler = (
  event: unknown,
  context?: unknown,
) => Promise<ProxyResponse | PolicyResponse>;

/** A kind of event that the handler accepts. */
interface EventKind<E extends object> {
  matches(event: object): event is E;
  handle(
    core: AppCore,
    event: E,
    lambdaContext: LambdaContext | undefined,
  ): Promise<ProxyResponse | PolicyResponse>;
}

const KINDS: readonly EventKind<never>[] = [
  kind({ matches: isWebSocketEvent, handle: handleWebSocketEvent }),
  kind({ matches: isAuthorizerEvent, handle: handleAuthorizer }),
  kind({ matches: isWarmUp, handle: async () => NO_ANSWER }),
];

function kind<E extends object>(of: EventKind<E>): EventKind<never> {
  return of as EventKind<object> as EventKind<never>;
}

/** Makes an app's handler. */
export function makeHandler(core: AppCore): Handler {
  // Not async, because each additional promise slows messages down.
  return (event, context) => {
    let keys = '';
    if (typeof event === 'object' && event !== null) {
      for (const known of KINDS) {
        if (known.matches(event)) {
          return known.handle(core, event, context as LambdaContext | undefined);
        }
      }
      keys = Object.keys(event).join(', ');
    }
    return Promise.reject(makeError('ERR_EVENT_UNKNOWN', { keys: keys || 'none' }));
  };
}

const WARM_UP_SOURCES: readonly unknown[] = [
  'aws.events',
  'aws.scheduler',
  'serverless-plugin-warmup',
  'gatecast.warm-up',
];

function isWarmUp(event: object): event is { readonly source: string } {
  const { source, 'detail-type': type } = event as Readonly<Record<string, unknown>>;
  // Other events of EventBridge also come from "aws.events".
  return WARM_UP_SOURCES.includes(source) && (type === undefined || type === 'Scheduled Event');
}

function handleWebSocketEvent(
  core: AppCore,
  event: WebSocketEvent,
  lambdaContext: LambdaContext | undefined,
): Promise<ProxyResponse> {
  const invocation: EventInvocation = new Invocation(core, event, lambdaContext);
  const { eventType } = event.requestContext;
  if (eventType === 'MESSAGE') return answer(invocation);
  return eventType === 'CONNECT' ? connect(invocation) : disconnect(invocation);
}

const STATUS_OF: ReadonlyMap<string, number> = new Map([
  ['ERR_UNAUTHORIZED', 401],
  ['ERR_PROTOCOL', 400],
  ['ERR_RATE_LIMIT', 429],
]);

async function connect(invocation: EventInvocation): Promise<ProxyResponse> {
  let response: ProxyResponse;
  try {
    response = await handleConnect(invocation);
  } catch (error) {
    invocation.report(error, { isAnswered: true });
    // Without a body, because a browser cannot read the body of a refused handshake.
    response = { statusCode: ClientError.is(error) ? (STATUS_OF.get(error.code) ?? 403) : 500 };
  }
  await invocation.end();
  return response;
}

async function disconnect(invocation: EventInvocation): Promise<ProxyResponse> {
  try {
    await handleDisconnect(invocation);
  } catch (error) {
    invocation.report(error);
  }
  await invocation.end();
  return NO_ANSWER;
}

/** Answers a message: synchronously, unless something has to be awaited. */
function answer(invocation: EventInvocation): Promise<ProxyResponse> {
  let response: MaybePromise<ProxyResponse>;
  try {
    response = respond(invocation);
  } catch (error) {
    response = refuse(invocation, error);
  }
  if (response instanceof Promise) return answerInTime(invocation, response);
  return Promise.resolve(endWith(invocation, response));
}

const PONG: ProxyResponse = {
  statusCode: 200,
  body: JSON.stringify({ type: 'pong' } satisfies PongFrame),
};

function respond(invocation: EventInvocation): MaybePromise<ProxyResponse> {
  const { onFrame } = invocation.core.hooks;
  return onFrame
    ? respondWithin(onFrame, invocation)
    : handleFrame(invocation, readFrame(invocation));
}

/** The same inside the plugins' onFrame, which also see malformed frames. */
async function respondWithin(
  onFrame: NonNullable<AppCore['hooks']['onFrame']>,
  invocation: EventInvocation,
): Promise<ProxyResponse> {
  let read: () => RawFrame;
  try {
    const frame = readFrame(invocation);
    read = () => frame;
  } catch (error) {
    read = () => {
      throw error;
    };
  }
  let response: ProxyResponse | undefined;
  await onFrame(new FrameOf(invocation), async () => {
    response = await handleFrame(invocation, read());
  });
  if (response) return response;
  throw new ClientError('ERR_FORBIDDEN', 'A plugin refused the frame.');
}

class FrameOf implements FrameContext {
  readonly event: WebSocketEvent;
  readonly connectionId: string;
  readonly #invocation: EventInvocation;

  constructor(invocation: EventInvocation) {
    this.#invocation = invocation;
    this.event = invocation.event;
    this.connectionId = invocation.request.connectionId;
  }

  get action(): string | undefined {
    return actionOf(this.#invocation);
  }

  get bytes(): number {
    return Buffer.byteLength(this.event.body ?? '');
  }

  get connection(): Connection | undefined {
    return this.#invocation.connection;
  }
}

function readFrame(invocation: EventInvocation): RawFrame {
  const frame = parseFrame(invocation.event.body);
  invocation.frame = frame;
  const action = frame['action'];
  if (typeof action !== 'string') return frame;
  const route = invocation.core.messages.get(action);
  invocation.messageRoute = route;
  // An unknown action may be any text from a client, so it is not logged.
  if (route || builtInAction(invocation, action)) {
    invocation.route = action;
    invocation.core.routeCheck.check(invocation, action);
  }
  return frame;
}

function actionOf({ frame }: EventInvocation): string | undefined {
  const action = frame?.['action'];
  return typeof action === 'string' ? action : undefined;
}

function handleFrame(invocation: EventInvocation, frame: RawFrame): MaybePromise<ProxyResponse> {
  if (frame['action'] === 'ping') return PONG;
  const connection = identify(invocation);
  return connection instanceof Promise
    ? connection.then((known) => handleFrameOf(invocation, known, frame))
    : handleFrameOf(invocation, connection, frame);
}

function handleFrameOf(
  invocation: EventInvocation,
  connection: Connection,
  frame: RawFrame,
): MaybePromise<ProxyResponse> {
  invocation.checkTime('the store');
  invocation.connection = connection;
  if (invocation.messageRoute) return handleMessage(invocation, invocation.messageRoute, frame);
  const { action } = frame;
  const handle = builtInAction(invocation, action);
  if (handle) return handle(invocation, frame);
  throw typeof action === 'string'
    ? new ClientError('ERR_ACTION_UNKNOWN', unknownAction(invocation.core.table, action))
    : new ClientError('ERR_FRAME_INVALID', '"action" must be a string.');
}

/** Answers a message whose answer has to be awaited, within the time limit. */
function answerInTime(
  invocation: EventInvocation,
  response: Promise<ProxyResponse>,
): Promise<ProxyResponse> {
  const isList = changesMemberships(invocation.frame?.['action']);
  const label = 'a handler, an access rule or a plugin';
  // Frames with lists of channels need time to clean up after a handler that hangs.
  return invocation.inTime(response, label, isList ? CLEAN_UP_MS : 0).then(
    (known) => endWith(invocation, known),
    (error: unknown) => endWith(invocation, refuse(invocation, error)),
  );
}

/** Ends the invocation. Its answer is sent once all pending work has ended. */
function endWith(invocation: EventInvocation, known: ProxyResponse): MaybePromise<ProxyResponse> {
  const ending = invocation.end();
  return ending ? ending.then(() => known) : known;
}

function refuse(invocation: EventInvocation, error: unknown): ProxyResponse {
  const { frame, event, isTwoWay } = invocation;
  invocation.report(error, { isAnswered: isTwoWay });
  if (!isTwoWay) return NO_ANSWER;
  return errorResponse(frame ? frame['id'] : idOfRefused(event.body), error);
}
