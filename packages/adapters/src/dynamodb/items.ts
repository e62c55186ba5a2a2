import { isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ConnectionRecord, Subscriber } from '@gatecast/framework';

/** An item, or some attributes of one, as the AWS client takes and gives it. */
export type Item = Record<string, AttributeValue>;

/** The row of a connection. */
export interface ConnectionRow {
  readonly record: ConnectionRecord;
  /** Channels it is subscribed to. Where this and the membership rows disagree, this is right. */
  readonly channels: ReadonlySet<string>;
  /** Set once its removal has begun; names that removal. From then on the connection is gone. */
  readonly closing?: string;
}

const STRINGS = ['connectionId', 'apiId', 'stage', 'region', 'userId', 'identity'] as const;
const NUMBERS = ['connectedAt', 'expiresAt', 'identityExpiresAt'] as const;

/** Attributes that a row may have of its record. */
export const RECORD_ATTRIBUTES: readonly (keyof ConnectionRecord)[] = [...STRINGS, ...NUMBERS];

/** Key of a connection's row. */
export function connectionKey(connectionId: string): Item {
  return { pk: { S: `C#${connectionId}` }, sk: { S: 'META' } };
}

/** Key under which the memberships of a channel lie. */
export function channelKey(channel: string): string {
  return `S#${channel}#0`;
}

/** Key of a membership row. */
export function membershipKey(connectionId: string, channel: string): Item {
  return { pk: { S: channelKey(channel) }, sk: { S: connectionId } };
}

/** The record's attributes, and the one that DynamoDB reads to delete the row some time. */
export function recordAttributes(record: ConnectionRecord): Item {
  const attributes: Item = { ttl: timeToLive(record) };
  for (const name of RECORD_ATTRIBUTES) {
    const value = record[name];
    if (value !== undefined) attributes[name] = toAttribute(value);
  }
  return attributes;
}

/** Reads a connection's row. */
export function toConnectionRow(item: Item): ConnectionRow {
  const record: Record<string, string | number> = {};
  for (const name of STRINGS) {
    const value = item[name]?.S;
    if (value !== undefined) record[name] = value;
  }
  for (const name of NUMBERS) {
    const value = item[name]?.N;
    if (value !== undefined) record[name] = Number(value);
  }
  const closing = item['closing']?.S;
  return {
    record: record as unknown as ConnectionRecord,
    channels: new Set(item['channels']?.SS),
    ...(closing !== undefined && { closing }),
  };
}

/** The membership row that a connection's row asks for: small, because a publish reads them all. */
export function toMembership(row: ConnectionRow | undefined, channel: string): Item | undefined {
  if (!row?.channels.has(channel)) return undefined;
  const { connectionId, connectedAt, identityExpiresAt, expiresAt } = row.record;
  return {
    ...membershipKey(connectionId, channel),
    connectedAt: toAttribute(connectedAt),
    ...(identityExpiresAt !== undefined && { identityExpiresAt: toAttribute(identityExpiresAt) }),
    expiresAt: toAttribute(expiresAt),
    ttl: timeToLive(row.record),
  };
}

/** Whether two states of a connection ask for the same membership row. */
export function asksForTheSame(
  one: ConnectionRow | undefined,
  other: ConnectionRow | undefined,
  channel: string,
): boolean {
  return isDeepStrictEqual(toMembership(one, channel), toMembership(other, channel));
}

/** What delivery needs of a membership row. */
export function toSubscriber(item: Item): Subscriber {
  const identityExpiresAt = item['identityExpiresAt']?.N;
  return {
    connectionId: item['sk']?.S ?? '',
    connectedAt: Number(item['connectedAt']?.N),
    ...(identityExpiresAt !== undefined && { identityExpiresAt: Number(identityExpiresAt) }),
  };
}

/** A value of ours as DynamoDB's. */
export function toAttribute(value: string | number): AttributeValue {
  return typeof value === 'number' ? { N: String(value) } : { S: value };
}

function timeToLive({ expiresAt }: ConnectionRecord): AttributeValue {
  return toAttribute(Math.ceil(expiresAt / 1000));
}
