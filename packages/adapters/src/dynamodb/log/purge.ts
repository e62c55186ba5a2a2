import { inParallel } from '@gatecast/framework/adapter';
import { CALLS_AT_ONCE } from '../table.js';
import type { ChannelLog } from './channel-log.js';
import { type Head, ringOf } from './head.js';
import { nonceOf, type Segment, segmentOf } from './log-keys.js';

/** How many empty partitions end the search for one with rows: a million entries. */
const MOST_EMPTY = 1_000;

/**
 * Deletes the contents of all entries so far. Their rows stay until their time to live: the searches for an
 * id need the keys in them, or an event that is sent again would be appended again.
 */
export async function purge(log: ChannelLog): Promise<void> {
  const head = await hide(log);
  if (!head) return;
  const { epoch, purged } = head;
  let segment: Segment | undefined = segmentOf(purged);
  while (segment) {
    const { first } = segment;
    const last = Math.min(segment.last, purged);
    const ringKeys = await log.ringKeys(epoch, first - 1, last);
    for (const [offset, ringKey] of ringOf(head)) {
      if (offset >= first && offset <= last) ringKeys.set(offset, ringKey);
    }
    await log.table.forEach([...ringKeys], (entry) => empty(log, epoch, entry));
    segment = ringKeys.size > 0 ? before(segment) : await lastWithRows(log, epoch, segment);
  }
}

/**
 * The last partition with rows before an empty one. Entries expire from the beginning, so there is none, unless the
 * retention was longer once.
 */
async function lastWithRows(
  log: ChannelLog,
  epoch: string,
  empty: Segment,
): Promise<Segment | undefined> {
  let next = before(empty);
  for (let seen = 0; seen < MOST_EMPTY && next; seen += CALLS_AT_ONCE) {
    const segments: Segment[] = [];
    for (; next && segments.length < CALLS_AT_ONCE; next = before(next)) segments.push(next);
    const have = await inParallel(segments, CALLS_AT_ONCE, (one) => log.hasRows(epoch, one));
    const index = have.indexOf(true);
    if (index >= 0) return segments[index];
  }
  return undefined;
}

function before({ first }: Segment): Segment | undefined {
  return first > 0 ? segmentOf(first - 1) : undefined;
}

/** Tells readers, before anything is deleted. */
async function hide(log: ChannelLog): Promise<Head | undefined> {
  for (;;) {
    const head = await log.findHead();
    if (!head) return undefined;
    const at = log.now();
    const { isDone, attributes } = await log.update(log.keys.head, 'SET #purged = #top', {
      condition: '#epoch = :epoch',
      values: { epoch: head.epoch },
      ReturnValues: 'ALL_NEW',
    });
    if (isDone) return log.observe(attributes, at);
  }
}

/** Deletes the content of one entry. BODY is first, because a row of LOG may still be made from it. */
async function empty(
  log: ChannelLog,
  epoch: string,
  [offset, ringKey]: readonly [number, string],
): Promise<void> {
  await log.update(log.keys.body(ringKey), 'REMOVE #payload', {
    condition: '#nonce = :nonce',
    values: { nonce: nonceOf(ringKey) },
  });
  // Without a condition: a missing row is made, so that a late put finds it.
  await log.update(
    log.keys.entry(epoch, offset),
    'SET #ringKey = :ringKey, #ttl = if_not_exists(#ttl, :ttl) REMOVE #payload',
    { values: { ringKey, ttl: log.ttlOf(log.seconds()) } },
  );
}
