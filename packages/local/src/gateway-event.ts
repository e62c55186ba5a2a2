/** One event that the gateway handed to a function, or answered by itself. */
export interface GatewayEvent {
  /** When it began, in milliseconds since the epoch. */
  readonly time: number;
  /** The route key, or `authorizer`. */
  readonly route: string;
  /** Whom it is about. */
  readonly connectionId: string;
  /**
   * `refused`: a handshake that was turned down, or a message that did not fit its model. `failed`:
   * the function threw, ended, or answered what API Gateway cannot use. `no route`: no route
   * matched, and there is no `$default`. `throttled`: one too many for the route or the account.
   * `lost`: a fault kept it from the function.
   */
  readonly result: 'ok' | 'refused' | 'failed' | 'timed out' | 'no route' | 'throttled' | 'lost';
  /** The status, or what went wrong, in words for a person. */
  readonly detail: string;
  /** How long the start of an execution environment took, when the event had to wait for one. */
  readonly coldStartMs?: number;
  /** From its beginning until it had been dealt with, on the gateway's clock: moved, it shows here. */
  readonly durationMs: number;
}
