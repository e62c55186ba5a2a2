import { isDeepStrictEqual } from 'node:util';
import type { ConnectionRecord, Subscriber } from '@gatecast/framework';
import { idOfSliceKey } from '@gatecast/framework/adapter';
import { fromAttribute, type Item, toAttribute, toItem } from './attributes.js';

/** The row of a connection. */
export interface ConnectionRow {
  readonly record: ConnectionRecord;
  /** Channels it is subscribed to. Where this and the memberships disagree, this is right. */
  readonly channels: ReadonlySet<string>;
  /** Set once a disconnect has begun; names it. From then on the connection is gone. */
  readonly closing?: string;
  /** Set once it was pruned; names that prune. It is gone, but not yet reported by a disconnect. */
  readonly pruned?: string;
  /** Names the last update that added or took channels, so that it knows itself when its answer was lost. */
  readonly changedBy?: string;
}

/** What a membership holds beside its key: what delivery needs, and when the connection is dead. */
export type MembershipFacts = Omit<ConnectionRecord, 'connectionId' | 'identity'>;

/** Attributes that are not facts of a connection. Nor are those that begin with `_`, for later versions. */
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

/** Facts that a connection may lack. An update removes those that the new record lacks. */
const OPTIONAL = ['userId', 'identityExpiresAt', 'identity'] as const;

/** Reads a connection's row. */
export function toConnectionRow(item: Item): ConnectionRow {
  const [closing, pruned, changedBy] = [
    item['closing']?.S,
    item['pruned']?.S,
    item['changedBy']?.S,
  ];
  return {
    record: factsOf(item) as unknown as ConnectionRecord,
    channels: new Set(item['channels']?.SS),
    ...(closing !== undefined && { closing }),
    ...(pruned !== undefined && { pruned }),
    ...(changedBy !== undefined && { changedBy }),
  };
}

/**
 * A connection's row after a record was written over it. Facts that this version does not know, because
 * a later one wrote them, stay.
 */
export function withRecord(
  row: ConnectionRow,
  record: ConnectionRecord,
  added: readonly string[],
): ConnectionRow {
  const kept: Record<string, unknown> = { ...row.record };
  for (const name of OPTIONAL) delete kept[name];
  return {
    // As it will be read again.
    record: factsOf(toItem({ ...kept, ...record })) as unknown as ConnectionRecord,
    channels: new Set([...row.channels, ...added]),
  };
}

/** The membership that a connection's row asks for: small, because a publish reads them all. */
export function membershipOf(
  row: ConnectionRow | undefined,
  channel: string,
): MembershipFacts | undefined {
  if (!row?.channels.has(channel)) return undefined;
  const { connectionId: _connectionId, identity: _identity, ...facts } = row.record;
  return facts;
}

/** Whether two states of a connection ask for the same membership. */
export function asksForTheSame(
  one: ConnectionRow | undefined,
  other: ConnectionRow | undefined,
  channel: string,
): boolean {
  return isDeepStrictEqual(membershipOf(one, channel), membershipOf(other, channel));
}

/** Whether a membership is as a connection's row asks for it; what else it holds does not count. */
export function isAsAsked(item: Item | undefined, asked: MembershipFacts | undefined): boolean {
  if (item === undefined || asked === undefined) return item === asked;
  const facts = factsOf(item);
  const names = [...Object.keys(asked), ...OPTIONAL];
  return names.every((name) =>
    isDeepStrictEqual(facts[name], (asked as Readonly<Record<string, unknown>>)[name]),
  );
}

/** What delivery needs of a membership. */
export function toSubscriber(item: Item): Subscriber {
  const { expiresAt: _expiresAt, ...facts } = factsOf(item);
  return { connectionId: idOfSliceKey(item['sk']?.S ?? ''), ...facts } as unknown as Subscriber;
}

/** Facts as attributes, and `ttl`, by which DynamoDB deletes the row some time. */
export function toAttributes(facts: ConnectionRecord | MembershipFacts): Item {
  return { ...toItem(facts), ttl: toAttribute(Math.ceil(facts.expiresAt / 1000)) };
}

/** An update, or a part of one. */
export interface Assignment {
  readonly UpdateExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Item;
}

/** Gives a row these facts, and leaves it what this version does not know. */
export function assign(facts: ConnectionRecord | MembershipFacts): Assignment {
  const given = Object.entries(toAttributes(facts));
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

function factsOf(item: Item): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  for (const [name, attribute] of Object.entries(item)) {
    if (OWN.has(name) || name.startsWith('_')) continue;
    const value = fromAttribute(attribute);
    if (value !== undefined) facts[name] = value;
  }
  return facts;
}
