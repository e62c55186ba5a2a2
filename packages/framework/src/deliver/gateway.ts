import type { DeliveryError } from '../errors/gatecast-error.js';

/**
 * What came of one post. `gone` (410): the connection is closed, never existed, or is not open yet.
 * `retry`: throttled (429), a server error or a time-out, so that trying again may help. `failed`:
 * anything else, such as a missing permission (403).
 */
export type PostOutcome =
  | { readonly result: 'delivered' }
  | { readonly result: 'gone' }
  | { readonly result: 'retry' | 'failed'; readonly error: DeliveryError };

/** What API Gateway knows of a connection. */
export interface ConnectionInfo {
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly lastActiveAt: number;
  /** Address of the client. */
  readonly sourceIp: string;
  /** `User-Agent` of the handshake; absent when the client sent none. */
  readonly userAgent?: string;
}

/** The `@connections` API of one stage. Its methods never reject. */
export interface Gateway {
  /** Sends one text frame. */
  post(connectionId: string, frame: string): Promise<PostOutcome>;
  /** Closes a connection (its client sees close code 1000). */
  disconnect(connectionId: string): Promise<PostOutcome>;
  /** Looks a connection up; `undefined` when it is gone or cannot be looked up. */
  get(connectionId: string): Promise<ConnectionInfo | undefined>;
}
