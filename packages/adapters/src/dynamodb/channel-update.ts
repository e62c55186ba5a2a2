import type { ChannelLimits } from '@gatecast/framework';
import { type Item, toAttribute } from './attributes.js';

/** A change of the channels in a connection's row: parts of an update. */
export interface ChannelChange {
  readonly action: string;
  /** Holds while the row has all of these channels, or none: so that `bytes` is right. */
  readonly condition: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Item;
}

/** Which channels to add or to take. */
export interface Change {
  /** Different channels, one or more. */
  readonly channels: readonly string[];
  /** All channels of the row, as it was read. */
  readonly seen: ReadonlySet<string>;
}

const NAMES = { '#channels': 'channels', '#bytes': 'bytes' };

/**
 * More names than this are not looked up one by one: an expression has 4 KB and 300 operators at most
 * (Amazon DynamoDB developer guide, "Quotas").
 */
const MOST_LOOKED_UP = 100;

/** Adds channels that the row does not have, within limits. */
export function adding({ channels, seen }: Change, limits?: ChannelLimits): ChannelChange {
  const bytes = bytesOf(channels);
  const look = lookUp({ channels, seen });
  const rooms = limits && {
    ':room': toAttribute(limits.maxChannels - channels.length),
    ':bytesRoom': toAttribute(limits.maxBytes - bytes),
  };
  const fits =
    ' AND (attribute_not_exists(#channels) OR size(#channels) <= :room)' +
    ' AND (attribute_not_exists(#bytes) OR #bytes <= :bytesRoom)';
  return {
    action: 'ADD #channels :change, #bytes :bytes',
    condition: look.hasNone + (limits ? fits : ''),
    names: NAMES,
    values: {
      ':change': { SS: [...channels] },
      ':bytes': toAttribute(bytes),
      ...look.values,
      ...rooms,
    },
  };
}

/** Takes channels that the row has. */
export function taking({ channels, seen }: Change): ChannelChange {
  const look = lookUp({ channels, seen });
  return {
    action: 'DELETE #channels :change ADD #bytes :bytes',
    condition: look.hasAll,
    names: NAMES,
    values: {
      ':change': { SS: [...channels] },
      ':bytes': toAttribute(-bytesOf(channels)),
      ...look.values,
    },
  };
}

/** Bytes of names together. */
export function bytesOf(channels: Iterable<string>): number {
  let bytes = 0;
  for (const channel of channels) bytes += Buffer.byteLength(channel);
  return bytes;
}

/** Few names are looked up in the row, so that calls with other names do not get in the way. */
function lookUp({ channels, seen }: Change): {
  readonly hasNone: string;
  readonly hasAll: string;
  readonly values: Item;
} {
  if (channels.length > MOST_LOOKED_UP) {
    const isUnchanged = seen.size > 0 ? '#channels = :seen' : 'attribute_not_exists(#channels)';
    const values: Item = seen.size > 0 ? { ':seen': { SS: [...seen] } } : {};
    return { hasNone: isUnchanged, hasAll: isUnchanged, values };
  }
  const has = channels.map((_, index) => `contains(#channels, :c${index})`);
  return {
    hasNone: `NOT (${has.join(' OR ')})`,
    hasAll: has.join(' AND '),
    values: Object.fromEntries(channels.map((channel, index) => [`:c${index}`, { S: channel }])),
  };
}
