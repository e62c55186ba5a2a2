import { channelNameProblem, type UnsubscribeReply } from '@gatecast/protocol';
import { ClientError, toWireError } from '../errors/client-error.js';
import { quote, type RawFrame, replyResponse, requireId } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { echoOf, readChannels, reportEach } from './channel-list.js';
import { tellOfLeaving } from './leave.js';

/** Handles an unsubscribe frame. Everyone may leave a channel, even one whose class no longer exists. */
export async function handleUnsubscribe(
  invocation: EventInvocation,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const { connection, event } = invocation;
  const names = [...new Set(readChannels(frame))];
  const refusals = new Map(
    names.flatMap((name) => {
      const problem = problemOf(name);
      return problem ? [[name, problem] as const] : [];
    }),
  );
  const legal = names.filter((name): name is string => !refusals.has(name));
  const were =
    legal.length > 0
      ? await invocation.connections.unsubscribe(connection.id, legal, invocation.limit())
      : [];
  const left = legal.filter((_name, index) => were[index] === true);
  await tellOfLeaving(invocation, left, { connection, cause: 'unsubscribe', event });
  reportEach(invocation, [...refusals.values()], true);
  const channels = names.map((name) => {
    const error = refusals.get(name);
    return { channel: echoOf(name), ...(error && { error: toWireError(error) }) };
  });
  return replyResponse(id, { channels } satisfies UnsubscribeReply, invocation.route);
}

function problemOf(name: unknown): ClientError | undefined {
  if (typeof name !== 'string') {
    return new ClientError('ERR_FRAME_INVALID', '"channel" must be the name of a channel.');
  }
  const problem = channelNameProblem(name);
  if (problem === undefined) return undefined;
  return new ClientError('ERR_CHANNEL_NAME', `The channel name ${quote(name)} ${problem}.`);
}
