import type { FaultOn } from './faults.js';

/**
 * One event that the gateway passed to a function or answered itself.
 *
 * @group A gateway of your own
 */
export interface GatewayEvent {
  /** Start time, in milliseconds since the epoch. */
  readonly time: number;
  /** The route key; `authorizer`; or `HTTP` for a refused request to a path outside of the API. */
  readonly route: string;
  /** The connection of the event; empty for `HTTP`. */
  readonly connectionId: string;
  /**
   * `refused`: a handshake was refused, or a message did not fit its model. `failed`: the function threw,
   * ended, returned something that API Gateway cannot use, or answered a one-way route with a status of
   * 400 or more, or another AWS service answered with an error. With the option `control`, an error frame of a Gatecast app is `refused`, or `failed` for
   * `ERR_INTERNAL` and `ERR_TIMEOUT`. `no route`: no route matched, and there is no `$default`.
   * `throttled`: the route or the account reached its limit. `lost`: a fault kept the event from the
   * function.
   */
  readonly result: 'ok' | 'refused' | 'failed' | 'timed out' | 'no route' | 'throttled' | 'lost';
  /** The status, the code of the app's error, or a description of the problem. */
  readonly detail: string;
  /**
   * How long the start of an execution environment took, if the event had to wait for one, in
   * milliseconds.
   */
  readonly coldStartMs?: number;
  /** Duration on the gateway's clock, including jumps of that clock, in milliseconds. */
  readonly durationMs: number;
}

/** The contents of an event and of its frames. */
export interface Traffic {
  /** The input of the integration, as JSON. */
  readonly event?: object | undefined;
  /** The text frames that the connection got. */
  readonly frames?: readonly string[] | undefined;
}

/** A post to `@connections` with a valid signature, after its answer. */
export interface PostEvent {
  /** Start time, in milliseconds since the epoch. */
  readonly time: number;
  /** Duration on the gateway's clock, in milliseconds. */
  readonly durationMs: number;
  readonly connectionId: string;
  readonly body: Buffer;
  /** The status of the answer. */
  readonly status: number;
  /** The fault that happened, if any. */
  readonly fault: FaultOn<'post'> | undefined;
}
