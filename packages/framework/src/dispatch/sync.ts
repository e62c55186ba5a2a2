import { MAX_CHANNELS_PER_FRAME, type Position, type SyncOutcome } from '@gatecast/protocol';
import { ClientError, toWireError } from '../errors/client-error.js';
import { logOf } from '../publish/channel-history.js';
import { quote, type RawFrame, readPosition, requireId, textResponse } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel } from './authorize-channel.js';
import { echoOf, reportEach } from './channel-list.js';
import { serverSettings } from './server-settings.js';

/** Handles a sync frame: compares the client's positions with the ends of the logs. */
export async function handleSync(
  invocation: EventInvocation,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const positions = readPositions(frame);
  const { connections, connection } = invocation;
  const members = new Set(await connections.channels(connection.id, invocation.limit()));
  const errors: unknown[] = [];
  const channels = await Promise.all(
    positions.map(async ([name, text]): Promise<SyncOutcome> => {
      const channel = echoOf(name);
      try {
        return { channel, result: await compare(invocation, { name, text, members }) };
      } catch (error) {
        errors.push(error);
        return { channel, error: toWireError(error) };
      }
    }),
  );
  reportEach(invocation, errors, true);
  const server = serverSettings(invocation.core.now());
  const reply = { type: 'reply', id, data: { channels }, server };
  return textResponse(JSON.stringify(reply), invocation.route);
}

function readPositions({ positions }: RawFrame): readonly (readonly [string, unknown])[] {
  const isObject = typeof positions === 'object' && positions !== null && !Array.isArray(positions);
  const entries = Object.entries(isObject ? positions : {});
  if (entries.length === 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"positions" must be an object of positions.');
  }
  if (entries.length <= MAX_CHANNELS_PER_FRAME) return entries;
  throw new ClientError(
    'ERR_CHANNEL_LIMIT',
    `A frame may name at most ${MAX_CHANNELS_PER_FRAME} channels; this one names ${entries.length}.`,
  );
}

interface Asked {
  readonly name: string;
  readonly text: unknown;
  readonly members: ReadonlySet<string>;
}

async function compare(
  invocation: EventInvocation,
  { name, text, members }: Asked,
): Promise<Exclude<SyncOutcome, { error: unknown }>['result']> {
  await authorizeChannel(invocation, name, 'subscribe');
  invocation.checkTime('an access rule');
  const position = readPosition('position', text ?? '');
  if (!members.has(name)) return 'not-subscribed';
  const log = logOf(invocation, name);
  if (!log) {
    throw new ClientError('ERR_NO_HISTORY', `The channel ${quote(name)} keeps no history.`);
  }
  const { position: last } = await invocation.log.head({ ...log, keep: true }, invocation.limit());
  return placeOf(position as Position, last);
}

function placeOf(position: Position, last: Position): 'current' | 'behind' | 'resubscribe' {
  if (position.epoch !== last.epoch || position.offset > last.offset) return 'resubscribe';
  if (position.offset < last.offset) return 'behind';
  return position.tag === last.tag ? 'current' : 'resubscribe';
}
