import { formatPosition, type Position, type ResetReason } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import { logOf } from '../publish/channel-history.js';
import type { LogHead, LogOfChannel, ReadRequest, ReadResult } from '../store/log.js';
import { type RawFrame, readPosition } from '../wire/frame.js';
import type { EventInvocation } from './app-invocation.js';
import { EventList, mostEntries } from './event-list.js';
import { readWithin } from './history-access.js';

/** What a client asks of a channel's history when it subscribes. */
export interface Wish {
  /** Where it stopped; `undefined` if it comes for the first time. */
  readonly position: Position | undefined;
  /** How many of the latest events it wants, if it has no position that is of use. */
  readonly rewind: number;
  /** Bytes of events that the reply may have room for. */
  readonly maxBytes: number;
}

/** The part of a subscription's outcome that comes from the channel's history. */
export interface CaughtUp {
  readonly result: 'live' | 'resumed' | 'reset';
  readonly reason?: ResetReason | 'forbidden' | 'no-history';
  /** Absent if the channel has no history. */
  readonly head?: LogHead;
  readonly events?: EventList;
}

/**
 * Reads what a client asks for from one channel of a subscribe frame.
 *
 * @throws ClientError - ERR_POSITION, ERR_FRAME_INVALID.
 */
export function readWish({ position, ...entry }: RawFrame, maxBytes: number): Wish {
  const rewind = entry['rewind'] ?? 0;
  if (!Number.isSafeInteger(rewind) || (rewind as number) < 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"rewind" must be a whole number of 0 or more.');
  }
  return {
    position: readPosition('position', position),
    rewind: rewind as number,
    maxBytes,
  };
}

/**
 * Reads what a client has missed on a channel. Its membership must have been written before: then every event that
 * this does not find is delivered to it.
 */
export async function catchUp(
  invocation: EventInvocation,
  channel: string,
  wish: Wish,
): Promise<CaughtUp> {
  const { position, rewind } = wish;
  const log = logOf(invocation, channel);
  if (!log) return position ? { result: 'reset', reason: 'no-history' } : { result: 'live' };
  const kept = { ...log, keep: true };
  const readHead = (): Promise<LogHead> => invocation.log.head(kept, invocation.limit());
  if (!position && rewind === 0) return { result: 'live', head: await readHead() };
  try {
    return await readWithin(invocation, channel, position ? 'resume' : 'rewind', () =>
      readMissed(invocation, kept, wish),
    );
  } catch (error) {
    // Who may not read the history may still subscribe.
    if (!ClientError.is(error) || error.code !== 'ERR_FORBIDDEN') throw error;
  }
  const head = await readHead();
  if (!position) return { result: 'live', head };
  const isCurrent = formatPosition(head.position) === formatPosition(position);
  return isCurrent ? { result: 'resumed', head } : { result: 'reset', reason: 'forbidden', head };
}

async function readMissed(
  invocation: EventInvocation,
  log: LogOfChannel & Pick<ReadRequest, 'keep'>,
  { position, rewind, maxBytes }: Wish,
): Promise<CaughtUp> {
  const request = { ...log, maxBytes, limit: mostEntries(maxBytes) };
  const readLatest = async (): Promise<ReadResult> =>
    invocation.log.readBefore(
      { ...request, limit: Math.min(rewind, request.limit) },
      invocation.limit(),
    );
  if (!position) {
    const latest = await readLatest();
    return { result: 'live', head: latest.head, ...latestOf(latest) };
  }
  const missed = await invocation.log.readAfter(
    { ...request, after: position },
    invocation.limit(),
  );
  if (!('reset' in missed)) {
    return { result: 'resumed', head: missed.head, events: new EventList(missed, 'first') };
  }
  const reset = { result: 'reset', reason: missed.reset } as const;
  if (rewind === 0) return { ...reset, head: missed.head };
  const latest = await readLatest();
  return { ...reset, head: latest.head, ...latestOf(latest) };
}

function latestOf(page: ReadResult): { readonly events?: EventList } {
  return 'reset' in page ? {} : { events: new EventList(page, 'last') };
}
