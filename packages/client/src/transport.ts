/** One way to the server, from its opening to its end. The client may hold two, to hand over. */
export interface Transport {
  /** Writes a frame. `false` when it is not open. */
  send(frame: string): boolean;
  /** Ends it. Nothing is told of it any more. */
  close(): void;
}

/** What becomes of a transport. */
export interface TransportEvents {
  opened(): void;
  /** A frame came in. */
  received(data: unknown): void;
  /** It ended by itself, or never opened; with what the runtime says of the reason, if it does. */
  ended(cause?: unknown): void;
}

/** Opens a transport. @throws unknown - where the runtime forbids it. */
export type OpenTransport = (token: string | undefined, events: TransportEvents) => Transport;
