import type { ChannelLog } from './channel-log.js';
import { type Head, ringOf } from './head.js';
import { nonceOf, segmentOf } from './log-keys.js';

/**
 * Deletes the contents of all entries so far. Their rows stay until their time to live: the searches for an
 * id need the keys in them, or an event that is sent again would be appended again.
 */
export async function purge(log: ChannelLog): Promise<void> {
  const head = await hide(log);
  if (!head) return;
  const { epoch, purged } = head;
  for (let { first } = segmentOf(purged); ; { first } = segmentOf(first - 1)) {
    const last = Math.min(segmentOf(first).last, purged);
    const ringKeys = await log.ringKeys(epoch, first - 1, last);
    for (const [offset, ringKey] of ringOf(head)) {
      if (offset >= first && offset <= last) ringKeys.set(offset, ringKey);
    }
    await log.table.forEach([...ringKeys], (entry) => empty(log, epoch, entry));
    // Entries expire from the beginning, so nothing is left before an empty partition.
    if (ringKeys.size === 0 || first === 0) return;
  }
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
