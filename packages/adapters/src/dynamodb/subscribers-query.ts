import type { Page, Subscriber, SubscriberRange } from '@gatecast/framework';
import { sliceStart } from '@gatecast/framework/adapter';
import { toAttribute } from './attributes.js';
import { toSubscriber } from './items.js';
import type { RowsOptions } from './rows.js';

/** More than fit into 1 MB, where DynamoDB ends a page in any case. */
const MAX_PAGE_SIZE = 100_000;

/** Reads one page of a channel's subscribers: one Query, which returns at most 1 MB. */
export async function readSubscribers(
  { table, keys, now }: RowsOptions,
  channel: string,
  { from = 0, to = 1, after = '', limit }: SubscriberRange,
): Promise<Page<Subscriber>> {
  const start = sliceStart(from);
  const end = sliceStart(to);
  // DynamoDB refuses an empty range and a cursor outside the range. In both cases the page is empty.
  const isEmpty = start === undefined || (end !== undefined && (end <= start || end <= after));
  if (isEmpty) return { items: [] };
  const size = limit === undefined ? undefined : pageSize(limit);
  const pk = { S: keys.channel(channel) };
  const { items, lastKey } = await table.query({
    // BETWEEN includes its end, but no key is as short as the end of a slice.
    KeyConditionExpression: `pk = :pk AND sk ${end === undefined ? '>= :start' : 'BETWEEN :start AND :end'}`,
    FilterExpression: 'expiresAt > :now',
    ExpressionAttributeValues: {
      ':pk': pk,
      ':start': { S: start },
      ...(end !== undefined && { ':end': { S: end } }),
      ':now': toAttribute(now()),
    },
    ...(after > start && { ExclusiveStartKey: { pk, sk: { S: after } } }),
    // Reading one more shows whether another page follows.
    ...(size !== undefined && { Limit: size + 1 }),
  });
  const page = size === undefined ? items : items.slice(0, size);
  const next = page.length < items.length ? page.at(-1)?.['sk']?.S : lastKey?.['sk']?.S;
  return { items: page.map(toSubscriber), ...(next !== undefined && { next }) };
}

/** A number that DynamoDB accepts: NaN and anything below 1 become 1. */
function pageSize(limit: number): number {
  return Math.min(MAX_PAGE_SIZE, Math.max(1, Math.floor(limit) || 1));
}
