/** One event that the gateway handed to a function, or answered by itself. */
export interface GatewayEvent {
  /** When it began, in milliseconds since the epoch. */
  readonly time: number;
  /** The route key, or `authorizer`. */
  readonly route: string;
  readonly connectionId: string;
  readonly result: 'ok' | 'refused' | 'failed' | 'timed out' | 'no route';
  /** The status, or what went wrong, in words for a person. */
  readonly detail: string;
  readonly durationMs: number;
}
