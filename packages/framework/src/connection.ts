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
  readonly claims?: Claims;
  /** When the identity ends, in milliseconds since 1970. The connection is then asked to come back with a new token. */
  readonly expiresAt?: number;
}

/** One WebSocket through API Gateway. */
export interface Connection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /** The user the authorizer named; absent for a guest and in an app without authorizer. */
  readonly userId?: string;
  /** What else the authorizer said; `{}` without authorizer. */
  readonly claims: Claims;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent?: string;
}
