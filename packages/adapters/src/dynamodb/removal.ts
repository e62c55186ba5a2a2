import { randomUUID } from 'node:crypto';
import type { Disconnected } from '@gatecast/framework';
import { inParallel } from '@gatecast/framework/adapter';
import type { ConnectionRow } from './items.js';
import type { Rows } from './rows.js';
import { CALLS_AT_ONCE, chunksOf } from './table.js';

// One BatchGetItem reads this many rows afterwards.
const CONNECTIONS_AT_ONCE = 100;

/*
 * A removal goes in steps, so that another call can finish one that was cut off. First the row is marked,
 * which ends the connection. Then its memberships are deleted, and last the row, which lists them until
 * then. A mark is the id of the call that set it; later calls do not change it. There are two kinds: a
 * prune ends the connection without returning it, so a later disconnect still has to find and return it.
 */

/** Removes a connection; returns it unless another disconnect came first. */
export async function removeConnection(
  rows: Rows,
  connectionId: string,
): Promise<Disconnected | undefined> {
  const mark = randomUUID();
  const row = await rows.mark(connectionId, ['closing', mark]);
  if (!row) return undefined;
  await rows.deleteMemberships([[connectionId, row.channels]]);
  if (row.closing !== mark) {
    // The removal that set the mark deletes the row. If its answer was lost, it sends its update again
    // and has to find the row.
    await repairMemberships(rows, [row]);
    return undefined;
  }
  await deleteRow(rows, row);
  const { record, channels } = row;
  return rows.isExpired(row) ? undefined : { record, channels: [...channels] };
}

/** Removes the row and the memberships of a connection that has expired or whose removal has begun. */
export async function finishRemoval(rows: Rows, connectionId: string): Promise<void> {
  // Marked as pruned, so that a disconnect that has begun still reports it.
  const row = await rows.mark(connectionId, ['pruned', randomUUID()], { isDead: true });
  if (!row) return;
  await rows.deleteMemberships([[connectionId, row.channels]]);
  await deleteRow(rows, row);
}

/**
 * Ends connections and deletes their memberships. The rows stay until `$disconnect` or their time to
 * live: deleting them here would double the calls, and a publish waits for this.
 */
export async function pruneConnections(
  rows: Rows,
  connectionIds: readonly string[],
): Promise<void> {
  const mark = randomUUID();
  for (const some of chunksOf([...new Set(connectionIds)], CONNECTIONS_AT_ONCE)) {
    const marked = await inParallel(some, CALLS_AT_ONCE, (id) => rows.mark(id, ['pruned', mark]));
    const gone = marked.flatMap((row) => (row && row.channels.size > 0 ? [row] : []));
    await rows.deleteMemberships(
      gone.map(({ record, channels }) => [record.connectionId, channels]),
    );
    await repairMemberships(rows, gone);
  }
}

async function deleteRow(rows: Rows, row: ConnectionRow): Promise<void> {
  if (!(await rows.deleteRow(row))) await repairMemberships(rows, [row]);
}

/**
 * Writes memberships again that were deleted by mistake: another removal may have been faster and the id
 * may be in use again, so that the new connection has lost memberships.
 */
async function repairMemberships(rows: Rows, removed: readonly ConnectionRow[]): Promise<void> {
  const others = new Map(removed.map((row) => [row.record.connectionId, [...row.channels]]));
  const current = await rows.readAll([...others.keys()]);
  for (const row of current.filter((found) => rows.isLive(found))) {
    const { connectionId } = row.record;
    await rows.syncMemberships(connectionId, row, { others: others.get(connectionId) ?? [] });
  }
}
