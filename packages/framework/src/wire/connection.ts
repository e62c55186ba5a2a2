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
 * @group Access and identity
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- apps augment it.
export interface Register {}

/** Further information about a user, from the authorizer. @group Access and identity */
export type Claims = Register extends { claims: infer C } ? C : Readonly<Record<string, unknown>>;

/** The user behind a connection, as an authorizer returns it. @group Access and identity */
export interface Identity {
  /** Absent for a guest: channels with `access: 'authenticated'` are closed to it. */
  readonly userId?: string;
  /**
   * Further information about the user, as JSON values. An authorizer's whole result must fit into 8 KB
   * (Amazon API Gateway quotas).
   * @default {}
   */
  readonly claims?: Claims;
  /**
   * When the identity expires, in milliseconds since 1970. The next message or event after that closes
   * the connection, and the client is told to reconnect with a new token.
   * @default never
   */
  readonly expiresAt?: number;
}

/** One WebSocket through API Gateway. @group Access and identity */
export interface Connection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /** The user's id from the authorizer. Absent for a guest, and in an app without an authorizer. */
  readonly userId?: string;
  /**
   * Claims from the authorizer, after a round trip through JSON: a `Date` is a string. Any may be
   * missing, for example for a guest. `{}` in an app without an authorizer.
   */
  readonly claims: Partial<Json<Claims>>;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** Address of the client, as API Gateway saw it. */
  readonly sourceIp: string;
  /** `User-Agent` of the handshake; absent when the client sent none. */
  readonly userAgent?: string;
}
