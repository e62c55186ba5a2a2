import type { Json } from '@gatecast/protocol';

/**
 * Augment it to type the claims of your tokens.
 *
 * @example
 * ```ts
 * declare module '@gatecast/framework' {
 *   interface Register { claims: { role: 'admin' | 'member' } }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be augmented.
export interface Register {}

/** What the authorizer said of a connection beside its user. */
export type Claims = Register extends { claims: infer C } ? C : Readonly<Record<string, unknown>>;

/** Who an authorizer says a connection is. */
export interface Identity {
  /** Absent for a guest: channels with `access: 'authenticated'` are closed to it. */
  readonly userId?: string;
  /**
   * What else is known of the user, as JSON can hold it. All that an authorizer returns must fit
   * into 8 KB (Amazon API Gateway quotas).
   * @default {}
   */
  readonly claims?: Claims;
  /**
   * When the identity ends, in milliseconds since 1970: the next message or event after it ends the
   * connection, and its client is asked to come back with a new token.
   * @default never
   */
  readonly expiresAt?: number;
}

/** One WebSocket through API Gateway. */
export interface Connection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /** The user the authorizer named; absent for a guest and in an app without authorizer. */
  readonly userId?: string;
  /**
   * Claims that the authorizer returned, as JSON holds them: a `Date` is a text. Any may be missing, as for a
   * guest. `{}` in an app without authorizer.
   */
  readonly claims: Partial<Json<Claims>>;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** Address of the client, as API Gateway saw it. */
  readonly sourceIp: string;
  /** `User-Agent` of the handshake; absent when the client sent none. */
  readonly userAgent?: string;
}
