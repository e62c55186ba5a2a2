import type { ByeFrame } from '@gatecast/protocol';
import type { Gateway } from './gateway.js';

/** Why the server ends a connection. */
export type Farewell = Omit<ByeFrame, 'type'>;

/**
 * Tells a client why, then closes its connection. The close code is always 1000 (row 6.16), so the
 * `bye` frame is what says whether to come back.
 */
export async function sayFarewell(
  connectionId: string,
  farewell: Farewell,
  gateway: Gateway,
): Promise<void> {
  const frame: ByeFrame = { type: 'bye', ...farewell };
  await gateway.post(connectionId, JSON.stringify(frame));
  await gateway.disconnect(connectionId);
}
