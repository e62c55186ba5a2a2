import type { ChannelLimits } from '@gatecast/framework';
import { type Item, toAttribute } from './attributes.js';

/** The parts of an UpdateItem call that change the channels in a connection's row. */
export interface ChannelChange {
  readonly action: string;
  /**
   * Fails unless the row has all of these channels (to remove) or none of them (to add), so that `bytes`
   * stays right.
   */
  readonly condition: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Item;
}

/** Which channels to add or to remove. */
export interface Change {
  /** At least one channel, without duplicates. */
  readonly channels: readonly string[];
  /** All channels that the row had when it was read. */
  readonly seen: ReadonlySet<string>;
}

const NAMES = { '#channels': 'channels', '#bytes': 'bytes' };

/**
 * Above this many names, the condition compares the whole set instead of each name: an expression may
 * have at most 4 KB and 300 operators (Amazon DynamoDB developer guide, "Quotas").
 */
const MAX_LOOKED_UP = 100;

/** Adds channels that the row does not have, within limits. */
export function addUpdate({ channels, seen }: Change, limits?: ChannelLimits): ChannelChange {
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

/** Removes channels that the row has. */
export function removeUpdate({ channels, seen }: Change): ChannelChange {
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

/** Total size of the names, in bytes. */
export function bytesOf(channels: Iterable<string>): number {
  let bytes = 0;
  for (const channel of channels) bytes += Buffer.byteLength(channel);
  return bytes;
}

/**
 * Conditions on single names, so that calls with other names do not make this one fail. With too many
 * names, on the whole set.
 */
function lookUp({ channels, seen }: Change): {
  readonly hasNone: string;
  readonly hasAll: string;
  readonly values: Item;
} {
  if (channels.length > MAX_LOOKED_UP) {
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
