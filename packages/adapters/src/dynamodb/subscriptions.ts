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
  // Added by an update whose answer was lost.
  const own = new Set<string>();
  let sent: Sent | undefined;
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    if (!row) return { row, added: [], results: new Map() };
    for (const channel of madeBy(sent, row)) own.add(channel);
    const { added, results: planned } = planChannels(row.channels, wanted, limits);
    const results = new Map(planned);
    for (const channel of own) {
      if (row.channels.has(channel)) results.set(channel, 'subscribed');
    }
    if (added.length === 0) return { row, added, results };
    const { isDone, lost } = await rows.add(row, added, limits);
    if (isDone) {
      return { row: { ...row, channels: new Set([...row.channels, ...added]) }, added, results };
    }
    sent = lost === undefined ? undefined : { lost, channels: added };
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
  const taken = new Set<string>();
  let sent: Sent | undefined;
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    for (const channel of madeBy(sent, row)) taken.add(channel);
    const held = channels.filter((channel) => row?.channels.has(channel));
    if (!row || held.length === 0) return { row, taken };
    // The row comes second: cut off in between, the channels are still known, and so will be cleared.
    await rows.leave([[connectionId, held]]);
    const { isDone, lost } = await rows.take(row, held);
    if (isDone) {
      for (const channel of held) taken.add(channel);
      const left = [...row.channels].filter((channel) => !held.includes(channel));
      return { row: { ...row, channels: new Set(left) }, taken };
    }
    sent = lost === undefined ? undefined : { lost, channels: held };
    await rows.giveWay(failed);
  }
}

/** A change that may have been made although its answer was lost. */
interface Sent {
  readonly lost: string;
  readonly channels: readonly string[];
}

/**
 * The channels of such a change, when the row shows that it was made. When another change or the end of the
 * connection came after it, the row does not show it: the caller then answers as if called a second time.
 */
function madeBy(sent: Sent | undefined, row: ConnectionRow | undefined): readonly string[] {
  return sent && row?.changedBy === sent.lost ? sent.channels : [];
}
