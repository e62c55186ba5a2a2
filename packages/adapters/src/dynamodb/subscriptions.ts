import type { ChannelLimits } from '@gatecast/framework';
import { type ChannelPlan, planChannels } from './channel-plan.js';
import type { ConnectionRow } from './items.js';
import type { Rows } from './rows.js';

/** Channels to add, without duplicates. */
export interface AddRequest {
  readonly wanted: readonly string[];
  readonly limits: ChannelLimits;
}

/** The result of {@link addChannels}. */
export interface Added extends ChannelPlan {
  /** The row with the new channels; `undefined` if the connection is gone. */
  readonly row: ConnectionRow | undefined;
}

/**
 * Adds as many channels to the row of a connection as the limits allow. The caller writes the
 * memberships.
 */
export async function addChannels(
  rows: Rows,
  connectionId: string,
  { wanted, limits }: AddRequest,
): Promise<Added> {
  // Channels that this call added by an update whose answer was lost.
  const own = new Set<string>();
  let refused: RefusedChange | undefined;
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    if (!row) return { row, added: [], results: new Map() };
    for (const channel of channelsOfLostChange(refused, row)) own.add(channel);
    const { added, results: planned } = planChannels(row.channels, wanted, limits);
    const results = new Map(planned);
    for (const channel of own) {
      if (row.channels.has(channel)) results.set(channel, 'subscribed');
    }
    if (added.length === 0) return { row, added, results };
    const { isDone, token } = await rows.addChannels(row, added, limits);
    if (isDone) {
      return { row: { ...row, channels: new Set([...row.channels, ...added]) }, added, results };
    }
    refused = { token, channels: added };
    await rows.pauseBeforeRetry(failed);
  }
}

/** The result of {@link removeChannels}. */
export interface Removed {
  /** The row without the channels; `undefined` if the connection is gone. */
  readonly row: ConnectionRow | undefined;
  readonly removed: ReadonlySet<string>;
}

/** Removes channels from the row of a connection, after their memberships. */
export async function removeChannels(
  rows: Rows,
  connectionId: string,
  channels: readonly string[],
): Promise<Removed> {
  const removed = new Set<string>();
  let refused: RefusedChange | undefined;
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    for (const channel of channelsOfLostChange(refused, row)) removed.add(channel);
    const subscribed = channels.filter((channel) => row?.channels.has(channel));
    if (!row || subscribed.length === 0) return { row, removed };
    // The row comes second. If this call is cut off in between, the row still lists the channels, so that
    // a later removal finds them.
    await rows.deleteMemberships([[connectionId, subscribed]]);
    const { isDone, token } = await rows.removeChannels(row, subscribed);
    if (isDone) {
      for (const channel of subscribed) removed.add(channel);
      const remaining = [...row.channels].filter((channel) => !subscribed.includes(channel));
      return { row: { ...row, channels: new Set(remaining) }, removed };
    }
    refused = { token, channels: subscribed };
    await rows.pauseBeforeRetry(failed);
  }
}

/** A change that was refused, possibly because an earlier attempt has made it, whose answer was lost. */
interface RefusedChange {
  readonly token: string;
  readonly channels: readonly string[];
}

/**
 * The channels of such a change if the row shows that it was made. If another change or the end of the
 * connection came after it, the row cannot show it, and the caller answers as if it had been called
 * twice.
 */
function channelsOfLostChange(
  refused: RefusedChange | undefined,
  row: ConnectionRow | undefined,
): readonly string[] {
  return refused && row?.changedBy === refused.token ? refused.channels : [];
}
