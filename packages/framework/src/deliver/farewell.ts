import type { ByeFrame } from '@gatecast/protocol';
import { atMost, type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import type { PostOutcome } from './gateway.js';
import type { Poster, PostOptions } from './poster.js';
import { LONGEST_DELIVERY_MS } from './times.js';

/** Why the server ends a connection. */
export type Farewell = Omit<ByeFrame, 'type'>;

/** What a farewell works with. */
export interface FarewellMeans extends Omit<PostOptions, 'ephemeral'> {
  readonly poster: Poster;
}

/** Said to a connection whose identity has ended. */
export const TOKEN_EXPIRED: Farewell = {
  code: 'ERR_UNAUTHORIZED',
  reason: 'The token has expired.',
  reconnect: true,
};

/**
 * Tells a client why, then closes its connection. The close code is always 1000 (row 6.16), so the
 * `bye` frame is what says whether to come back. The connection's row is left to `$disconnect`.
 *
 * @returns What became of the close: `delivered`, `gone`, or why the connection is open still.
 */
export async function sayFarewell(
  connectionId: string,
  farewell: Farewell,
  { poster, limit, begin: wanted = limit, hasTurn = false }: FarewellMeans,
): Promise<PostOutcome> {
  const begin = atMost(wanted, LONGEST_DELIVERY_MS);
  const frame: ByeFrame = { type: 'bye', ...farewell };
  const told = await poster.post(connectionId, JSON.stringify(frame), {
    limit,
    begin: firstHalf(begin),
    hasTurn,
  });
  // A client that was not told is closed all the same: it comes back on its own.
  if (told.result === 'gone' || told.result === 'refused') return told;
  return poster.disconnect(connectionId, { limit, begin });
}

// However long the frame is throttled, there is time left for the close.
function firstHalf(limit: TimeLimit): TimeLimit {
  return atMost(limit, timeLeftMs(limit) / 2);
}
