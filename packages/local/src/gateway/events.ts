/** One event that the gateway passed to a function or answered itself. */
export interface GatewayEvent {
  /** Start time, in milliseconds since the epoch. */
  readonly time: number;
  /** The route key, or `authorizer`. */
  readonly route: string;
  /** The connection of the event. */
  readonly connectionId: string;
  /**
   * `refused`: a handshake was refused, or a message did not fit its model. `failed`: the function threw,
   * ended, or returned something that API Gateway cannot use. `no route`: no route matched, and there is
   * no `$default`. `throttled`: the route or the account reached its limit. `lost`: a fault kept the
   * event from the function.
   */
  readonly result: 'ok' | 'refused' | 'failed' | 'timed out' | 'no route' | 'throttled' | 'lost';
  /** The status, or a description of the problem. */
  readonly detail: string;
  /**
   * How long the start of an execution environment took, if the event had to wait for one, in
   * milliseconds.
   */
  readonly coldStartMs?: number;
  /** Duration on the gateway's clock, including jumps of that clock, in milliseconds. */
  readonly durationMs: number;
}
