import { randomUUID } from 'node:crypto';
import type { Disconnected } from '@gatecast/framework';
import { inParallel } from '@gatecast/framework/adapter';
import type { ConnectionRow } from './items.js';
import type { Rows } from './rows.js';
import { CALLS_AT_ONCE, piecesOf } from './table.js';

// As many as one call reads afterwards.
const CONNECTIONS_AT_ONCE = 100;

/*
 * A removal goes step by step, so that another call can finish one that is cut off. First the row is
 * marked, which ends the connection. Then its memberships are deleted, and last the row, which lists them
 * until then. A mark names the call that set it; later calls do not change it. There are two kinds: a prune
 * ends the connection without returning it, so a disconnect that follows still has to find and return it.
 */

/** Removes a connection; returns it unless another disconnect came first. */
export async function removeConnection(
  rows: Rows,
  connectionId: string,
): Promise<Disconnected | undefined> {
  const mark = randomUUID();
  const row = await rows.mark(connectionId, ['closing', mark]);
  if (!row) return undefined;
  await rows.leave([[connectionId, row.channels]]);
  if (row.closing !== mark) {
    // The row is left to the removal that set its mark: it has to find it when it sends its update
    // again, because the answer was lost.
    await lookAgain(rows, [row]);
    return undefined;
  }
  await drop(rows, row);
  const { record, channels } = row;
  return rows.isExpired(row) ? undefined : { record, channels: [...channels] };
}

/** Removes what is left of a connection that has expired, or whose removal has begun. */
export async function removeRemains(rows: Rows, connectionId: string): Promise<void> {
  // As a prune: a disconnect that has begun still reports it.
  const row = await rows.mark(connectionId, ['pruned', randomUUID()], { isDead: true });
  if (!row) return;
  await rows.leave([[connectionId, row.channels]]);
  await drop(rows, row);
}

/**
 * Ends connections and deletes their memberships. The rows are left to their time to live or to
 * `$disconnect`: to delete them would double the calls, and a publish waits for this.
 */
export async function pruneConnections(
  rows: Rows,
  connectionIds: readonly string[],
): Promise<void> {
  const mark = randomUUID();
  for (const some of piecesOf([...new Set(connectionIds)], CONNECTIONS_AT_ONCE)) {
    const marked = await inParallel(some, CALLS_AT_ONCE, (id) => rows.mark(id, ['pruned', mark]));
    const gone = marked.flatMap((row) => (row && row.channels.size > 0 ? [row] : []));
    await rows.leave(gone.map(({ record, channels }) => [record.connectionId, channels]));
    await lookAgain(rows, gone);
  }
}

async function drop(rows: Rows, row: ConnectionRow): Promise<void> {
  if (!(await rows.drop(row))) await lookAgain(rows, [row]);
}

/**
 * Looks at rows whose memberships were deleted. Another removal may have been faster, and the id in
 * use again: then the new connection has lost memberships.
 */
async function lookAgain(rows: Rows, removed: readonly ConnectionRow[]): Promise<void> {
  const others = new Map(removed.map((row) => [row.record.connectionId, [...row.channels]]));
  const current = await rows.readAll([...others.keys()]);
  for (const row of current.filter((found) => rows.isLive(found))) {
    const { connectionId } = row.record;
    await rows.agree(connectionId, row, { others: others.get(connectionId) ?? [] });
  }
}
