import type { Position, SyncOutcome } from '@gatecast/protocol';
import { ClientError, toWireError } from '../errors/client-error.js';
import { type RawFrame, readPosition, requireId, textResponse } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel } from './authorize-channel.js';
import { checkCount, echoOf, reportEach } from './channel-list.js';
import { requireLog } from './history-access.js';
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
    throw new ClientError(
      'ERR_FRAME_INVALID',
      '"positions" must be an object with the position of at least one channel.',
    );
  }
  checkCount(entries.length);
  return entries;
}

interface Comparison {
  readonly name: string;
  readonly text: unknown;
  readonly members: ReadonlySet<string>;
}

async function compare(
  invocation: EventInvocation,
  { name, text, members }: Comparison,
): Promise<Exclude<SyncOutcome, { error: unknown }>['result']> {
  await authorizeChannel(invocation, name, 'subscribe');
  invocation.checkTime('an access rule');
  const position = readPosition('position', text ?? '');
  if (!members.has(name)) return 'not-subscribed';
  const log = requireLog(invocation, name);
  const { position: last } = await invocation.log.head({ ...log, keep: true }, invocation.limit());
  return placeOf(position as Position, last);
}

function placeOf(position: Position, last: Position): 'current' | 'behind' | 'resubscribe' {
  if (position.epoch !== last.epoch || position.offset > last.offset) return 'resubscribe';
  if (position.offset < last.offset) return 'behind';
  return position.tag === last.tag ? 'current' : 'resubscribe';
}
