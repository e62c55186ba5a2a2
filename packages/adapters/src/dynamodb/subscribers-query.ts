import type { Page, Subscriber, SubscriberRange } from '@gatecast/framework';
import { channelKey, membershipKey, toSubscriber } from './items.js';
import type { Table } from './table.js';

/** Which subscribers to read. */
export interface SubscribersQuery extends SubscriberRange {
  readonly channel: string;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** Reads one page of a channel's subscribers: one Query, so at most 1 MB of membership rows. */
export async function readSubscribers(
  table: Table,
  { channel, now, from = '', to, after = '', limit }: SubscribersQuery,
): Promise<Page<Subscriber>> {
  // DynamoDB refuses a range without an end and a start outside the range; both hold nothing.
  if (to !== undefined && (to <= from || to <= after)) return { items: [] };
  const conditions = ['pk = :pk'];
  if (from && to !== undefined) conditions.push('sk BETWEEN :from AND :to');
  else if (from) conditions.push('sk >= :from');
  else if (to !== undefined) conditions.push('sk < :to');
  const { items, lastKey } = await table.query({
    KeyConditionExpression: conditions.join(' AND '),
    FilterExpression: 'expiresAt > :now',
    ProjectionExpression: 'sk, connectedAt, identityExpiresAt',
    ExpressionAttributeValues: {
      ':pk': { S: channelKey(channel) },
      ':now': { N: String(now) },
      ...(from && { ':from': { S: from } }),
      ...(to !== undefined && { ':to': { S: to } }),
    },
    ...(after >= from && after && { ExclusiveStartKey: membershipKey(after, channel) }),
    ...(limit !== undefined && { Limit: limit }),
  });
  // BETWEEN includes its end.
  const found = items
    .map(toSubscriber)
    .filter(({ connectionId }) => to === undefined || connectionId < to);
  const next = lastKey?.['sk']?.S;
  if (next === undefined || (to !== undefined && next >= to)) return { items: found };
  return { items: found, next };
}
