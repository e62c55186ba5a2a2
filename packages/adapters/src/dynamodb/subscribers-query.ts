import type { Page, Subscriber, SubscriberRange } from '@gatecast/framework';
import { sliceStart } from '@gatecast/framework/adapter';
import { toAttribute } from './attributes.js';
import { toSubscriber } from './items.js';
import type { RowsOptions } from './rows.js';

/** More than 1 MB holds, which ends a page of DynamoDB's in any case. */
const MOST_ON_A_PAGE = 100_000;

/** Reads one page of a channel's subscribers: one Query, so at most 1 MB of memberships. */
export async function readSubscribers(
  { table, keys, now }: RowsOptions,
  channel: string,
  { from = 0, to = 1, after = '', limit }: SubscriberRange,
): Promise<Page<Subscriber>> {
  const start = sliceStart(from);
  const end = sliceStart(to);
  // DynamoDB refuses a range without an end and a cursor outside the range; both hold nothing.
  const isEmpty = start === undefined || (end !== undefined && (end <= start || end <= after));
  if (isEmpty) return { items: [] };
  const size = limit === undefined ? undefined : pageSize(limit);
  const pk = { S: keys.channel(channel) };
  const { items, lastKey } = await table.query({
    // BETWEEN includes its end, but no key is as short as that.
    KeyConditionExpression: `pk = :pk AND sk ${end === undefined ? '>= :start' : 'BETWEEN :start AND :end'}`,
    FilterExpression: 'expiresAt > :now',
    ExpressionAttributeValues: {
      ':pk': pk,
      ':start': { S: start },
      ...(end !== undefined && { ':end': { S: end } }),
      ':now': toAttribute(now()),
    },
    ...(after > start && { ExclusiveStartKey: { pk, sk: { S: after } } }),
    // One more tells whether another page follows.
    ...(size !== undefined && { Limit: size + 1 }),
  });
  const page = size === undefined ? items : items.slice(0, size);
  const next = page.length < items.length ? page.at(-1)?.['sk']?.S : lastKey?.['sk']?.S;
  return { items: page.map(toSubscriber), ...(next !== undefined && { next }) };
}

/** A number that DynamoDB takes: what is less than 1, or no number, counts as 1. */
function pageSize(limit: number): number {
  return Math.min(MOST_ON_A_PAGE, Math.max(1, Math.floor(limit) || 1));
}
