import type { ByeFrame } from '@gatecast/protocol';
import { timeLeftMs } from '../time/time-limit.js';
import type { PostOutcome } from './gateway.js';
import type { Poster, PostOptions } from './poster.js';

/** The reason for ending a connection, as sent in the `bye` frame. */
export type Farewell = Omit<ByeFrame, 'type'>;

/** Options of {@link sayFarewell}. */
export interface FarewellOptions extends Omit<PostOptions, 'ephemeral'> {
  readonly poster: Poster;
}

/** The outcome of the close, and whether API Gateway had accepted the `bye` frame. */
export type FarewellOutcome = PostOutcome & { readonly isTold: boolean };

/** The reason for a connection whose identity has expired. */
export const TOKEN_EXPIRED: Farewell = {
  code: 'ERR_UNAUTHORIZED',
  reason: 'The token has expired.',
  reconnect: true,
};

/**
 * Tells a client the reason, then closes its connection. The close code is always 1000 (row 6.16), so the
 * `bye` frame tells the client whether to reconnect. `$disconnect` removes the connection from the store.
 *
 * @returns The outcome of the close: `delivered`, `gone`, or why the connection is still open.
 */
export async function sayFarewell(
  connectionId: string,
  farewell: Farewell,
  { poster, limit, begin = limit, hasTurn = false }: FarewellOptions,
): Promise<FarewellOutcome> {
  const frame: ByeFrame = { type: 'bye', ...farewell };
  const told = await poster.post(connectionId, JSON.stringify(frame), {
    limit,
    begin: firstHalf(begin),
    hasTurn,
  });
  // The connection is closed even if the client could not be told: it then reconnects by itself.
  if (told.result === 'gone' || told.result === 'refused') return { ...told, isTold: false };
  const closed = await poster.disconnect(connectionId, { limit, begin });
  return { ...closed, isTold: told.result === 'delivered' };
}

// The frame gets half of the time, so that there is time left for the close.
function firstHalf({ endsAt = Infinity, signal }: PostOptions['limit']): PostOptions['limit'] {
  const halfMs = timeLeftMs({ endsAt }) / 2;
  return { endsAt: Math.min(endsAt, Date.now() + halfMs), ...(signal && { signal }) };
}
