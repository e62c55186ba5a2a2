import { formatPosition, MAX_FRAME_BYTES, type Position } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import { logOf } from '../publish/channel-history.js';
import type { LogOfChannel, ReadResult } from '../store/log.js';
import { quote, type RawFrame, readPosition, requireId, textResponse } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { EventList, fillFrame, mostEntries } from './event-list.js';
import { readWithin } from './history-access.js';

const DEFAULT_LIMIT = 100;

/** Which part of a channel's history a frame asks for. */
interface Range {
  readonly after: Position | undefined;
  readonly before: Position | undefined;
  readonly limit: number;
}

/** Handles a history frame. */
export async function handleHistory(
  invocation: EventInvocation,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const range = readRange(frame);
  const { channel } = frame;
  const result = await readWithin(invocation, channel, 'page', async () => {
    const log = logOf(invocation, channel as string);
    if (log) return read(invocation, log, range);
    const name = quote(channel as string);
    throw new ClientError('ERR_NO_HISTORY', `The channel ${name} keeps no history.`);
  });
  const position = formatPosition(result.head.position);
  const head = `{"type":"reply","id":${JSON.stringify(id)},"data":{"position":"${position}"`;
  if ('reset' in result) {
    const body = `${head},"result":"reset","reason":"${result.reset}"}}`;
    return textResponse(body, invocation.route);
  }
  const events = new EventList(result, range.after ? 'first' : 'last');
  const start = `${head},"result":"page"`;
  fillFrame([events], Buffer.byteLength(start) + 2);
  return textResponse(`${start}${events.write()}}}`, invocation.route);
}

function readRange(frame: RawFrame): Range {
  const { limit = DEFAULT_LIMIT } = frame;
  if (!Number.isSafeInteger(limit) || (limit as number) < 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"limit" must be a whole number of 0 or more.');
  }
  const after = readPosition('after', frame['after']);
  const before = readPosition('before', frame['before']);
  if (after && before) {
    throw new ClientError('ERR_FRAME_INVALID', 'A frame may have "after" or "before", not both.');
  }
  return { after, before, limit: limit as number };
}

async function read(
  invocation: EventInvocation,
  log: LogOfChannel,
  { after, before, limit }: Range,
): Promise<ReadResult> {
  const time = invocation.limit();
  if (limit === 0) {
    return { entries: [], more: false, head: await invocation.log.head(log, time) };
  }
  const maxBytes = MAX_FRAME_BYTES;
  const request = { ...log, maxBytes, limit: Math.min(limit, mostEntries(maxBytes)) };
  return after
    ? invocation.log.readAfter({ ...request, after }, time)
    : invocation.log.readBefore({ ...request, ...(before && { before }) }, time);
}
