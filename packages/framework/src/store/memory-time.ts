import { makeError } from '../errors/gatecast-error.js';
import type { TimeLimit } from '../time/time-limit.js';

/**
 * Throws if the time of a call of the memory store is over.
 *
 * @param operation - Completes "could not …": `read a connection`.
 */
export function checkTime(operation: string, { endsAt = Infinity, signal }: TimeLimit = {}): void {
  signal?.throwIfAborted();
  if (Date.now() < endsAt) return;
  const reason = 'it ran out of time';
  throw makeError('ERR_STORE_UNAVAILABLE', { store: 'memory', operation, reason });
}
