import { formatPosition, type Position, parsePosition } from '@gatecast/protocol';
import type { HistoryEvent, HistoryPage, HistoryRange } from '../channel/publishing.js';
import { checkOptions, describeValue, type OptionTypes, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Invocation } from '../invocation/invocation.js';
import type { LogEntry, LogOfChannel, ReadResult } from '../store/log.js';

const RANGE: OptionTypes<HistoryRange> = {
  after: option.text,
  before: option.text,
  limit: option.integer(0, 1_000),
};
/** Events that are read if nothing else is asked for. */
export const DEFAULT_LIMIT = 100;
/** Most bytes of one page, so that a thousand large events do not fill the memory of a function. */
const PAGE_BYTES = 1_048_576;

/** The log of a channel; `undefined` if the channel has no history. */
export function logOf({ core }: Invocation, channel: string): LogOfChannel | undefined {
  const history = core.historyOf?.(channel);
  return history && { channel, ...history };
}

/** Reads a page of a channel's history. */
export async function readHistory(
  invocation: Invocation,
  channel: string,
  range: HistoryRange,
): Promise<HistoryPage> {
  checkOptions('history()', range, RANGE, [['after', 'before']]);
  const log = requireLog(invocation, channel);
  const result = await readRange(invocation, log, {
    after: positionOf(log, 'after', range),
    before: positionOf(log, 'before', range),
    limit: range.limit ?? DEFAULT_LIMIT,
    maxBytes: PAGE_BYTES,
  });
  const position = formatPosition(result.head.position);
  if ('reset' in result) return { events: [], more: false, position, reset: result.reset };
  return { events: result.entries.map(toEvent), more: result.more, position };
}

/** Deletes the contents of a channel's history. */
export async function purgeHistory(invocation: Invocation, channel: string): Promise<void> {
  const log = requireLog(invocation, channel);
  await invocation.log.purge(log, invocation.limit(`purge() of "${channel}"`));
}

function requireLog(invocation: Invocation, channel: string): LogOfChannel {
  const log = logOf(invocation, channel);
  if (!log) throw makeError('ERR_HISTORY_OFF', { channel });
  return log;
}

/** Which part of a log to read: after a position, before one, or its end. */
export interface Range {
  readonly after: Position | undefined;
  readonly before: Position | undefined;
  /** Most entries; with 0, only the position of the last one is read. */
  readonly limit: number;
  readonly maxBytes: number;
}

/** Reads a part of a log. */
export async function readRange(
  invocation: Invocation,
  log: LogOfChannel,
  { after, before, limit, maxBytes }: Range,
): Promise<ReadResult> {
  const time = invocation.limit(`reading the history of "${log.channel}"`);
  if (limit === 0) {
    return { entries: [], more: false, head: await invocation.log.head(log, time) };
  }
  const request = { ...log, limit, maxBytes };
  return after
    ? invocation.log.readAfter({ ...request, after }, time)
    : invocation.log.readBefore({ ...request, ...(before && { before }) }, time);
}

function positionOf(
  { channel }: LogOfChannel,
  name: 'after' | 'before',
  range: HistoryRange,
): Position | undefined {
  const value = range[name];
  if (value === undefined) return undefined;
  const position = parsePosition(value);
  if (position) return position;
  throw makeError('ERR_HISTORY_POSITION', { channel, name, given: describeValue(value) });
}

function toEvent({ payload, at, position }: LogEntry): HistoryEvent {
  const event = JSON.parse(payload) as { event: string; data: unknown; id: string };
  return { ...event, at: new Date(at), position: formatPosition(position) };
}
