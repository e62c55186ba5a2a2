import type { LogEntry, Position, ReadRequest, ReadResult, ResetReason } from '@gatecast/framework';
import type { Item } from '../attributes.js';
import { isDead, toBody } from './body.js';
import { type ChannelLog, offsetOf } from './channel-log.js';
import { type Head, ringOf, toLogHead } from './head.js';
import { nonceOf, segmentsOf, tagOf } from './log-keys.js';
import { SLACK_S } from './times.js';

/** Most rows of the first page, while the size of the payloads is not known: they may have 32 KB each. */
const FIRST_ROWS = 8;
const MOST_ROWS = 1_000;

/** Which entries to read: those behind `after` up to `to`. */
interface Range {
  readonly after: number;
  readonly to: number;
  readonly maxBytes: number;
  readonly isBackward?: boolean;
}

/** The readable entries from the beginning of a range, in the direction of the read. */
interface Run {
  readonly entries: LogEntry[];
  /** Why it ended before the range did. `bytes`: the next entry exceeds `maxBytes`. */
  readonly end?: 'hole' | 'bytes';
}

/** HEAD for a reader. Makes it live longer if it must outlive its entries; begins a log if there is none. */
export async function headFor(log: ChannelLog, keep = false): Promise<Head> {
  for (;;) {
    const head = await log.readHead();
    const seconds = log.seconds();
    const ttl = log.headTtlOf(seconds);
    if (!keep || head.ttl >= seconds + (ttl - seconds) / 2) return head;
    const { isDone } = await log.lengthen(head, ttl);
    if (isDone) return head;
  }
}

/** Reads the entries behind a position. HEAD is read first, so that nothing leaves its ring unseen. */
export async function readAfter(
  log: ChannelLog,
  request: ReadRequest & { readonly after: Position },
): Promise<ReadResult> {
  const { after, limit, maxBytes, maxEntries = Infinity } = request;
  const head = await headFor(log, request.keep);
  const { offset } = after;
  const reset = (reason: ResetReason): ReadResult => ({ reset: reason, head: toLogHead(head) });
  const wrong = faultOf(head, after);
  if (wrong) return reset(wrong);
  if (offset < Math.max(head.purged, head.top - maxEntries)) return reset('trimmed');
  const to = Math.min(head.top, offset + limit);
  const { entries, end } = await readRun(log, head, { after: offset, to, maxBytes });
  if (end === 'hole') return reset('trimmed');
  const last = entries.at(-1)?.position.offset ?? offset;
  return { entries, more: last < head.top, head: toLogHead(head) };
}

/** Reads the longest run of entries that ends before a position, or at the end of the log. */
export async function readBefore(
  log: ChannelLog,
  request: ReadRequest & { readonly before?: Position },
): Promise<ReadResult> {
  const { before, limit, maxBytes, maxEntries = Infinity } = request;
  const head = await headFor(log, request.keep);
  const wrong = before && faultOf(head, before);
  if (wrong) return { reset: wrong, head: toLogHead(head) };
  const to = before ? before.offset - 1 : head.top;
  // One more than asked for shows whether there are more.
  const after = Math.max(head.purged, head.top - maxEntries, to - limit - 1);
  const run = await readRun(log, head, { after, to, maxBytes, isBackward: true });
  const entries = run.entries.slice(0, limit).toReversed();
  const more = run.end === 'bytes' || run.entries.length > limit;
  return { entries, more, head: toLogHead(head) };
}

/** Why a position does not belong to a log. The tag can only be compared while HEAD's ring has the entry. */
function faultOf(head: Head, { epoch, offset, tag }: Position): ResetReason | undefined {
  if (epoch !== head.epoch) return 'epoch';
  if (offset > head.top) return 'forked';
  const isOther = offset > head.floor && tagOf(ringOf(head).get(offset) ?? '') !== tag;
  return isOther ? 'forked' : undefined;
}

/** Reads a range up to its end, the first hole or `maxBytes`. */
async function readRun(log: ChannelLog, head: Head, range: Range): Promise<Run> {
  const { rows, hasHole } = await readRows(log, head, range);
  const ring = ringOf(head);
  const missing = rows.flatMap(([offset, row]) => (row ? [] : [ring.get(offset) ?? '']));
  const bodies = await readBodies(log, missing);
  const seconds = log.seconds();
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (const [offset, row] of rows) {
    const ringKey = row?.['ringKey']?.S ?? ring.get(offset) ?? '';
    const item = row ?? bodies.get(ringKey);
    const payload = item?.['payload']?.S;
    const isExpired = row
      ? Number(row['ttl']?.N) - SLACK_S < seconds
      : item && isDead(toBody(item), seconds);
    if (!item || payload === undefined || isExpired) return { entries, end: 'hole' };
    bytes += Buffer.byteLength(payload);
    if (bytes > range.maxBytes && entries.length > 0) return { entries, end: 'bytes' };
    const position = { epoch: head.epoch, offset, tag: tagOf(ringKey) };
    entries.push({ position, at: Number(item['at']?.N), payload });
  }
  return { entries, ...(hasHole && { end: 'hole' }) };
}

/**
 * The offsets of a range with their rows of LOG. An entry behind the floor may be only in BODY; any other
 * without a row is a hole, and ends it.
 */
async function readRows(
  log: ChannelLog,
  { epoch, floor }: Head,
  { after, to, maxBytes, isBackward = false }: Range,
): Promise<{ rows: [number, Item | undefined][]; hasHole: boolean }> {
  const rows: [number, Item | undefined][] = [];
  let [count, bytes] = [0, 0];
  const known = log.payloadBytes;
  const size = (): number => {
    const first = Math.min(FIRST_ROWS, Math.max(2, Math.floor(maxBytes / 4_096)));
    const average = bytes / count || known;
    if (!average) return first;
    // A payload may be larger than those before it, so a page grows step by step.
    const most = known ? MOST_ROWS : first * count;
    return Math.min(most, Math.max(1, Math.ceil((maxBytes - bytes) / average) + 1));
  };
  for (const segment of segmentsOf(after, to, isBackward)) {
    const found = new Map<number, Item>();
    let end: number | undefined;
    for await (const page of log.rows(epoch, segment, { isBackward, size })) {
      for (const row of page) {
        found.set(offsetOf(row), row);
        bytes += Buffer.byteLength(row['payload']?.S ?? '');
        count += 1;
        end = offsetOf(row);
      }
      if (count > 0) log.payloadBytes = bytes / count;
      // The first entry is returned however large it is, and the second shows whether there are more.
      if (end !== undefined && bytes > maxBytes && count > 1) break;
      end = undefined;
    }
    const { first, last } = segment;
    for (let index = 0; index <= last - first; index += 1) {
      const offset = isBackward ? last - index : first + index;
      const row = found.get(offset);
      if (!row && offset <= floor) return { rows, hasHole: true };
      rows.push([offset, row]);
      if (offset === end) return { rows, hasHole: false };
    }
  }
  return { rows, hasHole: false };
}

/** The rows of BODY that hold entries, by the keys of the ring. */
async function readBodies(
  log: ChannelLog,
  ringKeys: readonly string[],
): Promise<ReadonlyMap<string, Item>> {
  // An id that was used again after a long time may be in the ring twice, under two nonces.
  const keys = new Map(
    ringKeys.map((ringKey) => log.keys.body(ringKey)).map((key) => [key['pk']?.S, key]),
  );
  const items = new Map(
    (await log.table.getAll([...keys.values()])).map((item) => [item['pk']?.S, item]),
  );
  return new Map(
    ringKeys.flatMap((ringKey) => {
      const item = items.get(log.keys.body(ringKey)['pk']?.S);
      return item && toBody(item).nonce === nonceOf(ringKey) ? [[ringKey, item] as const] : [];
    }),
  );
}
