import type {
  ClientOptions,
  ConnectionState,
  Off,
  Refusal,
  StateReason,
  SubscribeAnswer,
} from '../../src/index.js';

/** What the simulation uses of a channel. */
export interface SimulatedChannel {
  subscribe(): Promise<SubscribeAnswer>;
  unsubscribe(): Promise<void>;
  /** What it returns for a message without an answer is looked at only if it is a promise. */
  send(
    message: string,
    data: unknown,
    options: { readonly timeoutMs?: number; readonly reply?: boolean },
  ): (Promise<unknown> & { readonly id?: string }) | undefined;
  on(event: string, handler: (data: unknown, event: { readonly id: string }) => unknown): Off;
  onEnd?(listener: (end: { readonly code: string; readonly reason: string }) => unknown): Off;
}

/** What the simulation uses of a client. */
export interface SimulatedClient {
  readonly state: ConnectionState;
  onState(listener: (state: ConnectionState, reason?: StateReason) => unknown): Off;
  onRefused(listener: (refusal: Refusal) => unknown): Off;
  channel(name: string): SimulatedChannel;
  close(): void;
}

/** Makes the client that is simulated. */
export type CreateClient = (
  options: ClientOptions & { readonly keepAliveMs?: number },
) => SimulatedClient;
