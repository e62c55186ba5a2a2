import type { ChannelLimits } from '@gatecast/framework';
import { type ChannelPlan, planChannels } from './channel-plan.js';
import type { ConnectionRow } from './items.js';
import type { Rows } from './rows.js';

/** Channels to add, all different. */
export interface Wish {
  readonly wanted: readonly string[];
  readonly limits: ChannelLimits;
}

/** What was added. */
export interface Added extends ChannelPlan {
  /** The row with the channels; absent when there is no connection. */
  readonly row: ConnectionRow | undefined;
}

/**
 * Adds channels to the row of a connection, as many as the limits allow. The memberships are up to the
 * caller.
 */
export async function addChannels(
  rows: Rows,
  connectionId: string,
  { wanted, limits }: Wish,
): Promise<Added> {
  // Perhaps added by an update whose answer was lost.
  const own = new Set<string>();
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    if (!row) return { row, added: [], results: new Map() };
    const { added, results: planned } = planChannels(row.channels, wanted, limits);
    const results = new Map(planned);
    for (const channel of own) {
      if (row.channels.has(channel)) results.set(channel, 'subscribed');
    }
    if (added.length === 0) return { row, added, results };
    const { isDone, mayHaveRun } = await rows.add(row, added, limits);
    if (isDone) {
      return { row: { ...row, channels: new Set([...row.channels, ...added]) }, added, results };
    }
    if (mayHaveRun) for (const channel of added) own.add(channel);
    await rows.giveWay(failed);
  }
}

/** What was taken. */
export interface Taken {
  /** The row without the channels; absent when there is no connection. */
  readonly row: ConnectionRow | undefined;
  readonly taken: ReadonlySet<string>;
}

/** Takes channels from the row of a connection, and deletes their memberships before that. */
export async function takeChannels(
  rows: Rows,
  connectionId: string,
  channels: readonly string[],
): Promise<Taken> {
  // Perhaps taken by an update whose answer was lost.
  const own = new Set<string>();
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    const taken = new Set([...own].filter((channel) => !row?.channels.has(channel)));
    const held = channels.filter((channel) => row?.channels.has(channel));
    if (!row || held.length === 0) return { row, taken };
    // The row comes second: cut off in between, the channels are still known, and so will be cleared.
    await rows.leave([[connectionId, held]]);
    const { isDone, mayHaveRun } = await rows.take(row, held);
    if (isDone) {
      for (const channel of held) taken.add(channel);
      const left = [...row.channels].filter((channel) => !taken.has(channel));
      return { row: { ...row, channels: new Set(left) }, taken };
    }
    if (mayHaveRun) for (const channel of held) own.add(channel);
    await rows.giveWay(failed);
  }
}
