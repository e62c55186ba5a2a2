import { isDeepStrictEqual } from 'node:util';
import type { ConnectionRecord, Subscriber } from '@gatecast/framework';
import { idOfSliceKey } from '@gatecast/framework/adapter';
import { fromAttribute, type Item, toAttribute, toItem } from './attributes.js';

/** The row of a connection. */
export interface ConnectionRow {
  readonly record: ConnectionRecord;
  /** Channels it is subscribed to. If the memberships differ, this set is right. */
  readonly channels: ReadonlySet<string>;
  /** Id of the disconnect that has begun. Once it is set, the connection is gone. */
  readonly closing?: string;
  /** Id of the prune that ended it. The connection is gone, but no disconnect has reported it yet. */
  readonly pruned?: string;
  /**
   * Id of the last update that added or removed channels. A caller whose answer was lost finds here
   * whether its update ran.
   */
  readonly changedBy?: string;
}

/**
 * What each membership repeats of the connection's record: what delivery needs, and when the connection
 * expires.
 */
export type MembershipDetails = Omit<ConnectionRecord, 'connectionId' | 'identity'>;

/**
 * Attributes that are not part of the record. Names that begin with `_` are reserved for later versions.
 */
const OWN: ReadonlySet<string> = new Set([
  'pk',
  'sk',
  'ttl',
  'channels',
  'bytes',
  'closing',
  'pruned',
  'changedBy',
]);

/** Optional fields of a record. An update removes those that the new record does not have. */
const OPTIONAL = ['userId', 'identityExpiresAt', 'identity'] as const;

/** Reads a connection's row. */
export function toConnectionRow(item: Item): ConnectionRow {
  const [closing, pruned, changedBy] = [
    item['closing']?.S,
    item['pruned']?.S,
    item['changedBy']?.S,
  ];
  return {
    record: detailsOf(item) as unknown as ConnectionRecord,
    channels: new Set(item['channels']?.SS),
    ...(closing !== undefined && { closing }),
    ...(pruned !== undefined && { pruned }),
    ...(changedBy !== undefined && { changedBy }),
  };
}

/**
 * A connection's row after a new record was written to it. Fields that only a later version knows stay.
 */
export function withRecord(
  row: ConnectionRow,
  record: ConnectionRecord,
  added: readonly string[],
): ConnectionRow {
  const kept: Record<string, unknown> = { ...row.record };
  for (const name of OPTIONAL) delete kept[name];
  return {
    // In the form in which it will be read back.
    record: detailsOf(toItem({ ...kept, ...record })) as unknown as ConnectionRecord,
    channels: new Set([...row.channels, ...added]),
  };
}

/**
 * The membership that a connection should have in a channel, according to its row. It is small, because a
 * publish reads all of them.
 */
export function membershipOf(
  row: ConnectionRow | undefined,
  channel: string,
): MembershipDetails | undefined {
  if (!row?.channels.has(channel)) return undefined;
  const { connectionId: _connectionId, identity: _identity, ...details } = row.record;
  return details;
}

/** Whether two states of a connection lead to the same membership. */
export function haveSameMembership(
  one: ConnectionRow | undefined,
  other: ConnectionRow | undefined,
  channel: string,
): boolean {
  return isDeepStrictEqual(membershipOf(one, channel), membershipOf(other, channel));
}

/** Whether a stored membership has the expected values. Further attributes are ignored. */
export function isUpToDate(
  item: Item | undefined,
  expected: MembershipDetails | undefined,
): boolean {
  if (item === undefined || expected === undefined) return item === expected;
  const details = detailsOf(item);
  const names = [...Object.keys(expected), ...OPTIONAL];
  return names.every((name) =>
    isDeepStrictEqual(details[name], (expected as Readonly<Record<string, unknown>>)[name]),
  );
}

/** Reads a membership as a subscriber. */
export function toSubscriber(item: Item): Subscriber {
  const { expiresAt: _expiresAt, ...details } = detailsOf(item);
  return { connectionId: idOfSliceKey(item['sk']?.S ?? ''), ...details } as unknown as Subscriber;
}

/** The attributes to write, with the `ttl` by which DynamoDB deletes the row in time. */
export function toAttributes(details: ConnectionRecord | MembershipDetails): Item {
  return { ...toItem(details), ttl: toAttribute(Math.ceil(details.expiresAt / 1000)) };
}

/** An UpdateItem call or a part of it. */
export interface Assignment {
  readonly UpdateExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Item;
}

/**
 * Sets these attributes, removes optional ones that are absent, and leaves attributes of later versions
 * alone.
 */
export function assign(details: ConnectionRecord | MembershipDetails): Assignment {
  const given = Object.entries(toAttributes(details));
  const absent = OPTIONAL.filter((name) => !given.some(([key]) => key === name));
  const names = [...given.map(([name]) => name), ...absent];
  const set = given.map((_, index) => `#f${index} = :f${index}`);
  const remove = absent.map((_, index) => `#f${given.length + index}`);
  return {
    UpdateExpression: `SET ${set.join(', ')}${remove.length > 0 ? ` REMOVE ${remove.join(', ')}` : ''}`,
    ExpressionAttributeNames: Object.fromEntries(names.map((name, index) => [`#f${index}`, name])),
    ExpressionAttributeValues: Object.fromEntries(
      given.map(([, value], index) => [`:f${index}`, value]),
    ),
  };
}

function detailsOf(item: Item): Record<string, unknown> {
  const details: Record<string, unknown> = {};
  for (const [name, attribute] of Object.entries(item)) {
    if (OWN.has(name) || name.startsWith('_')) continue;
    const value = fromAttribute(attribute);
    if (value !== undefined) details[name] = value;
  }
  return details;
}
