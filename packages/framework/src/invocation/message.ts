import { channelNameProblem } from '@gatecast/protocol';
import { checkAccess, isOpen } from '../channel/access.js';
import type { PatternMatch } from '../channel/pattern.js';
import type { CompiledChannel, MessageRoute } from '../channel/route-table.js';
import { validate } from '../channel/validate.js';
import { sayFarewell } from '../deliver/farewell.js';
import { ClientError } from '../errors/client-error.js';
import type { Connection, Identity } from '../wire/connection.js';
import { quote, type RawFrame, replyResponse, requireId } from '../wire/frame.js';
import type { ProxyResponse, RequestContext } from '../wire/lambda-events.js';
import { type Call, messageContext } from './contexts.js';
import { type AppCore, addressOf } from './invocation.js';

/** Handles one message: access, schema, plugins, handler. Returns the answer. */
export async function handleMessage(
  call: Call & { readonly connection: Connection },
  route: MessageRoute,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const { core, connection } = call;
  const id = requireId(frame);
  const name = frame.channel;
  const match = findChannel(core, name);
  const { message, channel, schema } = route;
  // The name decides which class's access rule holds: a route of another class must not get around it.
  if (match.value !== channel) {
    throw new ClientError(
      'ERR_CHANNEL_UNKNOWN',
      `The channel ${quote(name as string)} has no message ${quote(route.key)}.`,
    );
  }
  const { access } = channel.options;
  const facts = {
    id,
    attempt: readAttempt(frame),
    channel: { name: name as string, params: match.params },
  };
  if (!isOpen(access, core.authorizer !== undefined)) {
    await checkAccess(access, {
      connection,
      params: match.params,
      channel: facts.channel.name,
      operation: 'message',
    });
  }
  const data = schema ? await validate(schema, frame.data) : frame.data;
  const ctx = messageContext(call, connection, facts);
  let reply: unknown;
  if (core.hooks.onMessage) {
    await core.hooks.onMessage(ctx, async () => {
      reply = await message.call(data, ctx);
    });
  } else {
    reply = await message.call(data, ctx);
  }
  return route.twoWay ? replyResponse(id, reply, route.key) : { statusCode: 200 };
}

/** The channel class of a name that a client sent. */
export function findChannel(core: AppCore, name: unknown): PatternMatch<CompiledChannel> {
  if (typeof name !== 'string') {
    throw new ClientError('ERR_FRAME_INVALID', '"channel" must be the name of a channel.');
  }
  const problem = channelNameProblem(name);
  if (problem)
    throw new ClientError('ERR_CHANNEL_NAME', `The channel name ${quote(name)} ${problem}.`);
  const match = core.table.find(name);
  if (!match) throw new ClientError('ERR_CHANNEL_UNKNOWN', `There is no channel ${quote(name)}.`);
  return match;
}

/** Ends a connection whose identity has expired. Returns whether it did. */
export async function endExpired(
  core: AppCore,
  identity: Identity | undefined,
  request: RequestContext,
): Promise<boolean> {
  if ((identity?.expiresAt ?? Infinity) > core.now()) return false;
  const farewell = { code: 'ERR_UNAUTHORIZED', reason: 'The token has expired.', reconnect: true };
  await sayFarewell(request.connectionId, farewell, await core.gateway(addressOf(request)));
  return true;
}

function readAttempt({ attempt }: RawFrame): number {
  return Number.isSafeInteger(attempt) && (attempt as number) > 0 ? (attempt as number) : 1;
}
