import type { ByeFrame } from '@gatecast/protocol';
import { timeLeftMs } from '../time/time-limit.js';
import type { PostOutcome } from './gateway.js';
import type { Poster, PostOptions } from './poster.js';

/** Why the server ends a connection. */
export type Farewell = Omit<ByeFrame, 'type'>;

/** What a farewell works with. */
export interface FarewellOptions extends Omit<PostOptions, 'ephemeral'> {
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
  { poster, limit, begin = limit, hasTurn = false }: FarewellOptions,
): Promise<PostOutcome> {
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
function firstHalf({ endsAt = Infinity, signal }: PostOptions['limit']): PostOptions['limit'] {
  const halfMs = timeLeftMs({ endsAt }) / 2;
  return { endsAt: Math.min(endsAt, Date.now() + halfMs), ...(signal && { signal }) };
}
