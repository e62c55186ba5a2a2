import { randomBytes } from 'node:crypto';
import type { Position, ResetReason } from '@gatecast/protocol';
import type { TimeLimit } from '../time/time-limit.js';
import type {
  AppendRequest,
  AppendResult,
  LogEntry,
  LogHead,
  LogOfChannel,
  MessageLog,
  ReadRequest,
  ReadResult,
} from './log.js';
import { logLifeMs } from './log-life.js';
import { checkTime } from './memory-time.js';

const TAG_LENGTH = 6;
const EPOCH_BYTES = 9;
/** Logs that each call looks at for something to free. More than a call can add. */
const SWEPT_LOGS = 2;

/** An entry, and what is known about its key for as long. */
interface Row {
  readonly position: Position;
  readonly at: number;
  readonly endsAt: number;
  readonly key: string;
  readonly hash: string;
  /** `undefined` after a purge. */
  payload: string | undefined;
}

interface Log {
  readonly epoch: string;
  readonly rows: Map<number, Row>;
  readonly keys: Map<string, Row>;
  top: Position;
  /** The offset before the first row. */
  floor: number;
  /** The last offset whose contents were purged. */
  purged: number;
  endsAt: number;
  audience?: number;
}

/** The logs of channels in the memory of one process. */
export class MemoryMessageLog implements MessageLog {
  readonly contract = 1;
  readonly #now: () => number;
  readonly #logs = new Map<string, Log>();
  #unswept = this.#logs.keys();

  constructor(now: () => number) {
    this.#now = now;
  }

  async append(request: AppendRequest, limit?: TimeLimit): Promise<AppendResult> {
    checkTime('append to a log', limit);
    const { key, hash, payload, retentionSeconds, onOtherHash } = request;
    const log = this.#open({ ...request, keep: true });
    const known = log.keys.get(key);
    if (known && known.hash !== hash && onOtherHash === 'refuse') return { result: 'reused' };
    if (known) return { result: 'appended', entry: entryOf(known), isDuplicate: true };
    const at = this.#now();
    const position = {
      epoch: log.epoch,
      offset: log.top.offset + 1,
      tag: key.slice(0, TAG_LENGTH),
    };
    const row: Row = { position, at, endsAt: at + retentionSeconds * 1_000, key, hash, payload };
    log.rows.set(position.offset, row);
    log.keys.set(key, row);
    log.top = position;
    return {
      result: 'appended',
      entry: entryOf(row),
      isDuplicate: false,
      async finish(audience) {
        const estimate = await audience;
        if (estimate !== undefined) log.audience = estimate;
      },
    };
  }

  async head(
    request: LogOfChannel & Pick<ReadRequest, 'keep'>,
    limit?: TimeLimit,
  ): Promise<LogHead> {
    checkTime('read the head of a log', limit);
    return headOf(this.#open(request));
  }

  async readAfter(
    request: ReadRequest & { readonly after: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    checkTime('read a log', limit);
    const log = this.#open(request);
    const head = headOf(log);
    const { offset } = request.after;
    const reset = mismatch(log, request.after);
    if (reset) return { reset, head };
    if (offset < firstOf(log, request) - 1) return { reset: 'trimmed', head };
    const entries = take(log, request, {
      from: offset + 1,
      step: 1,
      count: head.position.offset - offset,
    });
    return { entries, more: offset + entries.length < head.position.offset, head };
  }

  async readBefore(
    request: ReadRequest & { readonly before?: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    checkTime('read a log', limit);
    const log = this.#open(request);
    const head = headOf(log);
    const { before } = request;
    const reset = before && mismatch(log, before);
    if (reset) return { reset, head };
    const end = before?.offset ?? log.top.offset + 1;
    const first = firstOf(log, request);
    const entries = take(log, request, {
      from: end - 1,
      step: -1,
      count: end - first,
    }).toReversed();
    return { entries, more: end - entries.length > first, head };
  }

  async purge({ channel }: LogOfChannel, limit?: TimeLimit): Promise<void> {
    checkTime('purge a log', limit);
    const log = this.#logs.get(channel);
    if (!log) return;
    log.purged = log.top.offset;
    for (const row of log.rows.values()) row.payload = undefined;
  }

  /** The log of a channel without its expired rows. Begins one if there is none. */
  #open({ channel, retentionSeconds, keep }: LogOfChannel & Pick<ReadRequest, 'keep'>): Log {
    this.#sweep();
    const now = this.#now();
    const endsAt = now + logLifeMs({ retentionSeconds });
    const log = this.#free(channel, now) ?? begin(endsAt);
    if (keep) log.endsAt = Math.max(log.endsAt, endsAt);
    this.#logs.set(channel, log);
    return log;
  }

  /** Frees what has expired of a few logs, each time of the next ones. */
  #sweep(): void {
    const now = this.#now();
    for (let count = 0; count < SWEPT_LOGS; count += 1) {
      const { value: channel, done } = this.#unswept.next();
      if (done) this.#unswept = this.#logs.keys();
      else this.#free(channel, now);
    }
  }

  /** Frees what has expired of a log, and returns it if it lives on. */
  #free(channel: string, now: number): Log | undefined {
    const log = this.#logs.get(channel);
    if (!log) return undefined;
    // In the order of the offsets, because the clock may have been set back between two entries.
    for (;;) {
      const row = log.rows.get(log.floor + 1);
      if (!row || row.endsAt >= now) break;
      log.floor += 1;
      log.rows.delete(log.floor);
      log.keys.delete(row.key);
    }
    if (log.rows.size > 0 || log.endsAt >= now) return log;
    this.#logs.delete(channel);
    return undefined;
  }
}

function begin(endsAt: number): Log {
  const epoch = randomBytes(EPOCH_BYTES).toString('base64url');
  const top = { epoch, offset: 0, tag: '' };
  return { epoch, top, rows: new Map(), keys: new Map(), floor: 0, purged: 0, endsAt };
}

function headOf({ top, audience }: Log): LogHead {
  return { position: top, ...(audience !== undefined && { audience }) };
}

function entryOf({ position, at, payload }: Row): Omit<LogEntry, 'payload'> & { payload?: string } {
  return { position, at, ...(payload !== undefined && { payload }) };
}

/** The first offset that can be read. */
function firstOf({ top, floor, purged }: Log, { maxEntries = Infinity }: LogOfChannel): number {
  return Math.max(floor, purged, top.offset - maxEntries) + 1;
}

/** Why a position does not belong to a log. The tag of an expired entry is not known any more. */
function mismatch({ epoch, top, rows }: Log, position: Position): ResetReason | undefined {
  const { offset, tag } = position;
  if (position.epoch !== epoch) return 'epoch';
  if (offset > top.offset) return 'forked';
  const own = offset === top.offset ? top : rows.get(offset)?.position;
  return own && own.tag !== tag ? 'forked' : undefined;
}

/** The entries of `count` offsets from one on, upwards or downwards, as many as fit. */
function take(
  { rows }: Log,
  { limit, maxBytes }: ReadRequest,
  { from, step, count }: { readonly from: number; readonly step: 1 | -1; readonly count: number },
): LogEntry[] {
  const entries: LogEntry[] = [];
  let bytes = 0;
  while (entries.length < Math.min(limit, count)) {
    const row = rows.get(from + step * entries.length);
    if (row?.payload === undefined) break;
    bytes += Buffer.byteLength(row.payload);
    if (bytes > maxBytes && entries.length > 0) break;
    entries.push({ position: row.position, at: row.at, payload: row.payload });
  }
  return entries;
}
