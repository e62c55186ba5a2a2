import type { MessageContext } from '../channel/context.js';
import type { MessageRoute } from '../channel/route-table.js';
import { validate } from '../channel/validate.js';
import { ClientError } from '../errors/client-error.js';
import { isPromiseLike, type MaybePromise, whenReady } from '../time/maybe-promise.js';
import { NO_ANSWER, quote, type RawFrame, replyResponse, requireId } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel, type ChannelMatch } from './authorize-channel.js';
import { messageContext } from './contexts.js';

/** Handles one message: access, schema, plugins, handler. Returns the answer. */
export function handleMessage(
  invocation: EventInvocation,
  route: MessageRoute,
  frame: RawFrame,
): MaybePromise<ProxyResponse> {
  const id = requireId(frame);
  const name = frame['channel'] as string;
  return whenReady(authorizeChannel(invocation, name, 'message'), (match) => {
    invocation.checkTime('an access rule');
    checkRoute(route, match, name);
    const data = route.schema ? validate(route.schema, frame['data']) : frame['data'];
    return whenReady(data, (message) => {
      invocation.checkTime('a schema');
      const { params } = match;
      const ctx = messageContext(invocation, { id, attempt: readAttempt(frame), name, params });
      return whenReady(runHandler(invocation, route, { message, ctx }), (reply) =>
        route.twoWay ? replyResponse(id, reply, route.key) : NO_ANSWER,
      );
    });
  });
}

// The name decides which class's access rule holds: a route of another class must not get around it.
function checkRoute(route: MessageRoute, { value }: ChannelMatch, name: string): void {
  if (value === route.channel) return;
  throw new ClientError(
    'ERR_CHANNEL_UNKNOWN',
    `The channel ${quote(name)} has no message ${quote(route.key)}.`,
  );
}

function runHandler(
  invocation: EventInvocation,
  { message: handler }: MessageRoute,
  { message, ctx }: { readonly message: unknown; readonly ctx: MessageContext },
): unknown {
  const { hooks } = invocation.core;
  if (!hooks.onMessage) {
    const reply = handler.call(message, ctx);
    return isPromiseLike(reply) ? Promise.resolve(reply) : reply;
  }
  let reply: unknown;
  const last = async (): Promise<void> => {
    invocation.checkTime('a plugin');
    reply = await handler.call(message, ctx);
  };
  return hooks.onMessage(ctx, last).then(() => reply);
}

function readAttempt({ attempt }: RawFrame): number {
  return Number.isSafeInteger(attempt) && (attempt as number) > 0 ? (attempt as number) : 1;
}
