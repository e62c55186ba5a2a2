import type { TailCheck } from '@gatecast/protocol';
import type { LogHead } from '../store/log.js';

/** Above this, the checks of a channel would cost more than they find. */
const MAX_AUDIENCE = 2_000;
/** At most a hundred checks a second on one channel. */
const CHECK_MS = 10;

/**
 * When subscribers check whether they have missed the last event; `undefined` if there are too many. As long as
 * their number is not known, there may be many.
 */
export function tailCheckOf({ audience = MAX_AUDIENCE }: LogHead): TailCheck | undefined {
  if (audience > MAX_AUDIENCE) return undefined;
  return { afterMs: 3_000, windowMs: Math.max(2_000, audience * CHECK_MS) };
}
