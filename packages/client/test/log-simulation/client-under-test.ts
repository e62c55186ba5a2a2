import type { ClientOptions, ConnectionState, Off } from '../../src/index.js';

/** An event as the application gets it. */
export interface LogEvent {
  readonly event: string;
  readonly id: string;
  readonly at: Date;
  readonly position?: string;
  readonly data?: unknown;
}

/** What subscribe() is resolved with. */
export interface ResetAnswer {
  readonly channel: string;
  readonly result: string;
  readonly reason?: string;
  readonly data?: unknown;
}

/** What history() is resolved with. */
export interface HistoryPage {
  readonly events: readonly LogEvent[];
  readonly more: boolean;
  readonly position: string;
  readonly reset?: string;
}

/** What history() is asked for. */
export interface HistoryRange {
  readonly after?: string;
  readonly before?: string;
  readonly limit?: number;
}

/** What the simulation of logs uses of a channel. */
export interface LogChannel {
  readonly position: string | undefined;
  subscribe(options?: { readonly rewind?: number }): Promise<ResetAnswer>;
  unsubscribe(): Promise<void>;
  send(message: string, data: unknown): Promise<unknown>;
  history(range?: HistoryRange): Promise<HistoryPage>;
  on(event: string, handler: (data: unknown, event: LogEvent) => unknown): Off;
  onReset(listener: (reset: { readonly reason: string }) => unknown): Off;
  onEnd(listener: (end: { readonly code: string }) => unknown): Off;
}

/** What the simulation of logs uses of a client. */
export interface LogClient {
  readonly state: ConnectionState;
  onState(listener: (state: ConnectionState) => unknown): Off;
  onRefused(listener: (refusal: { readonly channel?: string }) => unknown): Off;
  channel(name: string): LogChannel;
  close(): void;
}

/** Where a page keeps positions. */
export type PositionStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Makes the client that is simulated. */
export type CreateLogClient = (
  options: ClientOptions & { readonly storage?: () => PositionStorage },
) => LogClient;
