import { formatPosition, MAX_FRAME_BYTES } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import { DEFAULT_LIMIT, type Range, readRange } from '../publish/channel-history.js';
import { type RawFrame, readPosition, requireId, textResponse } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { EventList, fillFrame, mostEntries } from './event-list.js';
import { readWithin, requireLog } from './history-access.js';

/** Handles a history frame. */
export async function handleHistory(
  invocation: EventInvocation,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const range = rangeOf(frame);
  const { channel } = frame;
  const result = await readWithin(invocation, channel, 'page', async () =>
    readRange(invocation, requireLog(invocation, channel as string), range),
  );
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

function rangeOf(frame: RawFrame): Range {
  const { limit = DEFAULT_LIMIT } = frame;
  if (!Number.isSafeInteger(limit) || (limit as number) < 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"limit" must be a whole number of 0 or more.');
  }
  const after = readPosition('after', frame['after']);
  const before = readPosition('before', frame['before']);
  if (after && before) {
    throw new ClientError('ERR_FRAME_INVALID', 'A frame may have "after" or "before", not both.');
  }
  return {
    after,
    before,
    limit: Math.min(limit as number, mostEntries(MAX_FRAME_BYTES)),
    maxBytes: MAX_FRAME_BYTES,
  };
}
