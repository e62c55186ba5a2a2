import type { MessageRoute } from '../channel/route-table.js';
import { validate } from '../channel/validate.js';
import { ClientError } from '../errors/client-error.js';
import { isPromiseLike, type MaybePromise } from '../time/maybe-promise.js';
import { NO_ANSWER, quote, type RawFrame, replyResponse, requireId } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel, type ChannelMatch } from './authorize-channel.js';
import { messageContext } from './contexts.js';

/** A message that is being handled. */
interface Message {
  readonly id: string;
  readonly route: MessageRoute;
  readonly frame: RawFrame;
}

// Three steps: access, schema, handler. Each calls the next one, synchronously if possible, because one
// more closure or promise would cost as much as all the checks.

/** Handles one message. Returns the answer. */
export function handleMessage(
  invocation: EventInvocation,
  route: MessageRoute,
  frame: RawFrame,
): MaybePromise<ProxyResponse> {
  const message: Message = { id: requireId(frame), route, frame };
  const match = authorizeChannel(invocation, frame['channel'], 'message');
  return match instanceof Promise
    ? match.then((found) => validateData(invocation, message, found))
    : validateData(invocation, message, match);
}

function validateData(
  invocation: EventInvocation,
  message: Message,
  match: ChannelMatch,
): MaybePromise<ProxyResponse> {
  invocation.checkTime('an access rule');
  const { route, frame } = message;
  // The access rule of the channel's own class applies. A route of another class must not bypass it.
  if (match.value !== route.channel) {
    throw new ClientError(
      'ERR_CHANNEL_UNKNOWN',
      `The channel ${quote(frame['channel'] as string)} has no message ${quote(route.key)}.`,
    );
  }
  if (!route.schema) return runHandler(invocation, message, { match, data: frame['data'] });
  const data = validate(route.schema, frame['data']);
  return data instanceof Promise
    ? data.then((valid: unknown) => runHandler(invocation, message, { match, data: valid }))
    : runHandler(invocation, message, { match, data });
}

function runHandler(
  invocation: EventInvocation,
  { id, route, frame }: Message,
  { match, data }: { readonly match: ChannelMatch; readonly data: unknown },
): MaybePromise<ProxyResponse> {
  invocation.checkTime('a schema');
  const name = frame['channel'] as string;
  const details = { id, attempt: readAttempt(frame), name, params: match.params };
  const ctx = messageContext(invocation, details);
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

function readAttempt({ attempt }: RawFrame): number {
  return Number.isSafeInteger(attempt) && (attempt as number) > 0 ? (attempt as number) : 1;
}
