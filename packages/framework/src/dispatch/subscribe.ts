import {
  MAX_CHANNELS_PER_CONNECTION,
  MAX_CHANNELS_PER_FRAME,
  type SubscribeOutcome,
  type SubscribeReply,
  type UnsubscribeReply,
} from '@gatecast/protocol';
import { checkAccess, isOpen } from '../channel/access.js';
import { ClientError, toWireError } from '../errors/client-error.js';
import { connectionsWithin } from '../invocation/invocation.js';
import type { Connection } from '../wire/connection.js';
import { type RawFrame, replyResponse, requireId } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import { type Call, subscribeContext, unsubscribeContext } from './contexts.js';
import { findChannel } from './message.js';

type ConnectedCall = Call & { readonly connection: Connection };

/** Handles a subscribe frame: one outcome a channel, in the order asked. */
export async function handleSubscribe(
  call: ConnectedCall,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const names = readChannels(frame).map((entry) =>
    typeof entry === 'object' && entry !== null && 'channel' in entry ? entry.channel : entry,
  );
  const outcomes = new Map([...new Set(names)].map((name) => [name, subscribe(call, name)]));
  const channels = await Promise.all(
    names.map((name) => outcomes.get(name) as Promise<SubscribeOutcome>),
  );
  try {
    return replyResponse(id, { channels } satisfies SubscribeReply, call.route);
  } catch (error) {
    // The client is told that the frame failed, so it must not be a member without knowing.
    await undo(call, channels);
    throw error;
  }
}

/** Handles an unsubscribe frame. */
export async function handleUnsubscribe(
  call: ConnectedCall,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const names = [...new Set(readChannels(frame))];
  const channels = await Promise.all(names.map((name) => unsubscribe(call, name)));
  return replyResponse(id, { channels } satisfies UnsubscribeReply, call.route);
}

function readChannels({ channels }: RawFrame): readonly unknown[] {
  if (!Array.isArray(channels) || channels.length === 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"channels" must be a list of channels.');
  }
  if (channels.length > MAX_CHANNELS_PER_FRAME) {
    throw new ClientError(
      'ERR_CHANNEL_LIMIT',
      `A frame may name at most ${MAX_CHANNELS_PER_FRAME} channels; this one names ${channels.length}.`,
    );
  }
  return channels;
}

async function subscribe(call: ConnectedCall, name: unknown): Promise<SubscribeOutcome> {
  const { core, connection } = call;
  const channel = nameOf(name);
  try {
    const { value, params } = findChannel(core, name);
    const { access } = value.options;
    if (!isOpen(access, core.authorizer !== undefined)) {
      await checkAccess(access, { connection, params, channel, operation: 'subscribe' });
    }
    const ctx = subscribeContext(call, connection, { name: channel, params });
    let data: unknown;
    let isMember = false;
    const enter = async (): Promise<void> => {
      // Membership first: what the handler reads afterwards can then miss no event.
      await join(call, channel);
      isMember = true;
      data = await value.subscribe?.call(ctx);
      // What JSON cannot hold fails this channel, not the whole frame.
      JSON.stringify(data);
    };
    try {
      await (core.hooks.onSubscribe ? core.hooks.onSubscribe(ctx, enter) : enter());
    } catch (error) {
      if (isMember) await leave(call, channel);
      throw error;
    }
    if (!isMember) throw new ClientError('ERR_FORBIDDEN', 'You may not use this channel.');
    return { channel, result: 'live', ...(data !== undefined && { data }) };
  } catch (error) {
    // That is no matter of one channel: the whole frame is refused, so that the client reconnects.
    if (ClientError.is(error) && error.code === 'ERR_CONNECTION_UNKNOWN') throw error;
    return { channel, error: refuse(call, error) };
  }
}

async function undo(call: ConnectedCall, outcomes: readonly SubscribeOutcome[]): Promise<void> {
  const entered = outcomes.filter((outcome) => 'result' in outcome);
  await Promise.all(entered.map(({ channel }) => leave(call, channel)));
}

// What is no name is refused; the outcome still has to say what it is about.
function nameOf(name: unknown): string {
  return typeof name === 'string' ? name : '';
}

async function join(
  { core, connection, lambdaContext }: ConnectedCall,
  channel: string,
): Promise<void> {
  const connections = connectionsWithin(core, lambdaContext);
  const [result] = await connections.subscribe(connection.id, [channel], {
    maxChannels: MAX_CHANNELS_PER_CONNECTION,
    maxBytes: 16_384,
  });
  if (result === 'gone') {
    throw new ClientError('ERR_CONNECTION_UNKNOWN', 'The connection has ended. Connect again.');
  }
  if (result === 'full') {
    throw new ClientError(
      'ERR_CHANNEL_LIMIT',
      `A connection may be subscribed to at most ${MAX_CHANNELS_PER_CONNECTION} channels.`,
    );
  }
}

/** Returns whether it was subscribed. */
async function leave(
  { core, connection, lambdaContext }: ConnectedCall,
  channel: string,
): Promise<boolean> {
  const [was] = await connectionsWithin(core, lambdaContext).unsubscribe(connection.id, [channel]);
  return was ?? false;
}

async function unsubscribe(
  call: ConnectedCall,
  name: unknown,
): Promise<UnsubscribeReply['channels'][number]> {
  const channel = nameOf(name);
  try {
    const { value, params } = findChannel(call.core, name);
    if ((await leave(call, channel)) && value.unsubscribe) {
      const left = { name: channel, params, cause: 'unsubscribe' } as const;
      await value.unsubscribe.call(unsubscribeContext(call, call.connection, left));
    }
    return { channel };
  } catch (error) {
    return { channel, error: refuse(call, error) };
  }
}

function refuse(
  { core, route, event }: ConnectedCall,
  error: unknown,
): ReturnType<typeof toWireError> {
  const { connectionId, requestId } = event.requestContext;
  core.report(error, { route, connectionId, requestId, isAnswered: true });
  return toWireError(error);
}
