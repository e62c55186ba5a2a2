import { toBody } from './body.js';
import type { ChannelLog } from './channel-log.js';
import { type Head, ringOf } from './head.js';
import { nonceOf } from './log-keys.js';
import { RING } from './observations.js';

/** Most keys that one drop removes: DynamoDB takes at most 300 operators in an expression. */
const DROP_AT_MOST = 100;

/** How many appends lie between two drops if the last ones failed or are still under way. */
const OVERDUE_EVERY = RING / 3;

/**
 * Whether an append is followed by a drop: every {@link RING} appends, and more often if the last ones failed.
 * Not every append then: with many publishers the last drop is only under way, and each further one would read
 * what it reads, and fail.
 */
export function isDropDue({ top, floor }: Head): boolean {
  const size = top - floor;
  return size > RING && top % (size < 3 * RING ? RING : OVERDUE_EVERY) === 0;
}

/**
 * Step 8: removes old entries from HEAD's ring, once LOG has them. Puts those that are missing because their
 * publishers died.
 *
 * @param head - As one's own append has left it.
 * @param estimate - Of the subscribers. HEAD keeps it for subscribers to come.
 */
export async function drop(
  log: ChannelLog,
  head: Head,
  estimate: number | undefined,
): Promise<void> {
  const { epoch, top, floor } = head;
  const to = Math.min(top - RING, floor + DROP_AT_MOST);
  const inLog = await log.ringKeys(epoch, floor, to);
  const ring = ringOf(head);
  const dropped: string[] = [];
  for (let offset = floor + 1; offset <= to; offset += 1) {
    const ringKey = ring.get(offset) ?? '';
    dropped.push(ringKey);
    if (inLog.has(offset)) continue;
    const body = await log.table.get(log.keys.body(ringKey));
    // Otherwise the entry has expired.
    if (body && toBody(body).nonce === nonceOf(ringKey)) {
      await log.putEntry(epoch, offset, [ringKey, body]);
    }
  }
  const audience = estimate === undefined ? '' : ', #audience = :estimate';
  const removed = dropped.map((_, index) => `#ids.#${index}`).join(', ');
  await log.update(log.keys.head, `SET #floor = :to${audience} REMOVE ${removed}`, {
    condition: '#epoch = :epoch AND #floor = :seen',
    values: { epoch, to, seen: floor, estimate },
    names: Object.fromEntries(dropped.entries()),
  });
}
