import type { DeliveryError } from '../errors/gatecast-error.js';
import type { TimeLimit } from '../time/time-limit.js';

/**
 * The outcome of one post.
 *
 * - `delivered`: API Gateway accepted it.
 * - `gone` (410): the connection is closed, never existed, or is not open yet.
 * - `throttled` (429) and `retry` (a server error, a time-out, a broken connection): a retry may help.
 * - `failed`: this post cannot succeed, but others may.
 * - `refused`: no post can succeed, because a permission (403), credentials or a usable endpoint are
 *   missing.
 *
 * @group Deployment
 */
export type PostOutcome =
  | { readonly result: 'delivered' }
  | { readonly result: 'gone' }
  | {
      readonly result: 'throttled' | 'retry' | 'failed' | 'refused';
      readonly error: DeliveryError;
    };

/**
 * The `@connections` API of one stage. Its methods make one attempt and do not reject. At the end of the
 * time limit they abort the attempt and return `retry`.
 *
 * @group Deployment
 */
export interface Gateway {
  /** Sends one text frame. */
  post(connectionId: string, frame: string, limit?: TimeLimit): Promise<PostOutcome>;
  /** Closes a connection (its client sees close code 1000). */
  disconnect(connectionId: string, limit?: TimeLimit): Promise<PostOutcome>;
}
