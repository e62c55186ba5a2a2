import type { DeliveryError } from '../errors/gatecast-error.js';
import type { TimeLimit } from '../time/time-limit.js';

/**
 * What came of one post.
 *
 * - `delivered`: API Gateway took it.
 * - `gone` (410): the connection is closed, never existed, or is not open yet.
 * - `throttled` (429) and `retry` (a server error, a time-out, a broken connection): trying again may
 *   help.
 * - `failed`: this post alone cannot succeed.
 * - `refused`: no post can succeed, for lack of a permission (403), of credentials or of a usable
 *   endpoint.
 */
export type PostOutcome =
  | { readonly result: 'delivered' }
  | { readonly result: 'gone' }
  | {
      readonly result: 'throttled' | 'retry' | 'failed' | 'refused';
      readonly error: DeliveryError;
    };

/**
 * The `@connections` API of one stage. Its methods do not reject, make one attempt, and give it up at
 * the end of the time limit (then the result is `retry`).
 */
export interface Gateway {
  /** Sends one text frame. */
  post(connectionId: string, frame: string, limit?: TimeLimit): Promise<PostOutcome>;
  /** Closes a connection (its client sees close code 1000). */
  disconnect(connectionId: string, limit?: TimeLimit): Promise<PostOutcome>;
}
