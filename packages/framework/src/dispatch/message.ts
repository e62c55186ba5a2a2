import type { MessageRoute } from '../channel/route-table.js';
import { validate } from '../channel/validate.js';
import { ClientError } from '../errors/client-error.js';
import { isPromiseLike, type MaybePromise } from '../time/maybe-promise.js';
import { NO_ANSWER, quote, type RawFrame, replyResponse, requireId } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel } from './authorize-channel.js';
import { type MessageDetails, messageContext } from './contexts.js';

/** A message that is being handled. */
interface Message extends MessageDetails {
  readonly route: MessageRoute;
}

// Three steps: access, schema, handler. Each calls the next one, synchronously if possible, because one
// more closure, object or promise would cost as much as all the checks.

/** Handles one message. Returns the answer. */
export function handleMessage(
  invocation: EventInvocation,
  route: MessageRoute,
  frame: RawFrame,
): MaybePromise<ProxyResponse> {
  const id = requireId(frame);
  if (!route.twoWay) refuseAgain(route, frame);
  const match = authorizeChannel(invocation, frame['channel'], 'message');
  return match instanceof Promise
    ? match.then((found) => validateData(invocation, { id, route, frame, match: found }))
    : validateData(invocation, { id, route, frame, match });
}

/**
 * Throws if a message without an answer was sent again: its sender waits for one, and would send it for minutes, with
 * what the handler does each time.
 */
function refuseAgain({ key }: MessageRoute, { attempt }: RawFrame): void {
  if (typeof attempt !== 'number' || attempt <= 1) return;
  throw new ClientError(
    'ERR_FRAME_INVALID',
    `The message "${key}" has no answer, but was sent again. Send it with { reply: false }.`,
  );
}

function validateData(invocation: EventInvocation, message: Message): MaybePromise<ProxyResponse> {
  invocation.checkTime('an access rule');
  const { route, frame, match } = message;
  // The access rule of the channel's own class applies. A route of another class must not bypass it.
  if (match.value !== route.channel) {
    throw new ClientError(
      'ERR_CHANNEL_UNKNOWN',
      `The channel ${quote(frame['channel'] as string)} has no message ${quote(route.key)}.`,
    );
  }
  if (!route.schema) return runHandler(invocation, message, frame['data']);
  const data = validate(route.schema, frame['data']);
  return data instanceof Promise
    ? data.then((valid: unknown) => runHandler(invocation, message, valid))
    : runHandler(invocation, message, data);
}

function runHandler(
  invocation: EventInvocation,
  message: Message,
  data: unknown,
): MaybePromise<ProxyResponse> {
  invocation.checkTime('a schema');
  const { id, route } = message;
  const ctx = messageContext(invocation, message);
  const { onMessage } = invocation.core.hooks;
  if (!onMessage) {
    const reply = route.message.call(data, ctx);
    return isPromiseLike(reply)
      ? Promise.resolve(reply).then((value) => replyTo(id, route, value))
      : replyTo(id, route, reply);
  }
  let reply: unknown;
  const last = async (): Promise<void> => {
    invocation.checkTime('a plugin');
    reply = await route.message.call(data, ctx);
  };
  return onMessage(ctx, last).then(() => replyTo(id, route, reply));
}

function replyTo(id: string, route: MessageRoute, reply: unknown): ProxyResponse {
  return route.twoWay ? replyResponse(id, reply, route.key) : NO_ANSWER;
}
