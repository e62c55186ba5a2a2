import { MAX_FRAME_BYTES, type Position, type SyncOutcome } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import {
  type RawFrame,
  readPosition,
  requireId,
  textResponse,
  writeError,
  writeShortError,
} from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel } from './authorize-channel.js';
import { checkCount, echoOf, LIST_MESSAGE, reportEach } from './channel-list.js';
import { fitOutcomes } from './fit-outcomes.js';
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
  const outcomes = await Promise.all(
    positions.map(async ([name, text]): Promise<Outcome> => {
      const start = `{"channel":${JSON.stringify(echoOf(name))}`;
      try {
        const result = await compare(invocation, { name, text, members });
        return { text: `${start},"result":"${result}"}` };
      } catch (error) {
        errors.push(error);
        const write = (wire: string): string => `${start},"error":${wire}}`;
        const short = (): string => write(writeShortError(error, LIST_MESSAGE));
        return { text: write(writeError(error)), short };
      }
    }),
  );
  reportEach(invocation, errors, true);
  const server = JSON.stringify(serverSettings(invocation.core.now()));
  const start = `{"type":"reply","id":${JSON.stringify(id)},"data":{"channels":[`;
  const end = `]},"server":${server}}`;
  fitOutcomes(outcomes, MAX_FRAME_BYTES - Buffer.byteLength(start + end), {
    bytesOf: ({ text }) => Buffer.byteLength(text) + 1,
    shorten: (outcome) => {
      outcome.text = outcome.short?.() ?? outcome.text;
    },
  });
  const channels = outcomes.map(({ text }) => text).join(',');
  return textResponse(`${start}${channels}${end}`, invocation.route);
}

/** A {@link SyncOutcome} as JSON, and how to write it shorter. */
interface Outcome {
  text: string;
  readonly short?: () => string;
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
