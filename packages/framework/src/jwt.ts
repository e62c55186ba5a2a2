/**
 * Authorizers that verify JSON Web Tokens. Needs `aws-jwt-verify` to be installed.
 *
 * @module @gatecast/framework/jwt
 */

import { CognitoJwtVerifier, JwtVerifier } from 'aws-jwt-verify';
import { FetchError } from 'aws-jwt-verify/error';
import { ClientError } from './errors/client-error.js';
import { makeError } from './errors/gatecast-error.js';
import type { Identity } from './wire/connection.js';
import type { Authorizer } from './wire/handshake.js';

/** Options of {@link jwtAuthorizer}. */
export interface JwtAuthorizerOptions {
  /**
   * `iss` of the tokens; their keys are read from its `.well-known/jwks.json`.
   * @default the environment variable `GATECAST_JWT_ISSUER`
   */
  readonly issuer?: string;
  /** `aud` of the tokens. @default the environment variable `GATECAST_JWT_AUDIENCE` */
  readonly audience?: string;
  /** Where the issuer's keys are. @default `<issuer>/.well-known/jwks.json` */
  readonly jwksUri?: string;
  /** The keys themselves, so that nothing is fetched. */
  readonly jwks?: { readonly keys: readonly object[] };
  /** Makes the identity of verified claims. @default `sub` as the user, all claims, `exp` */
  readonly toIdentity?: (claims: Readonly<Record<string, unknown>>) => Identity;
}

/**
 * An authorizer that verifies JSON Web Tokens of any OpenID Connect issuer: signature (RS256 and
 * the like, ES256 and the like, Ed25519), `iss`, `aud`, `exp` and `nbf`. Keys are fetched once and
 * kept. No token, or one that does not pass, is `ERR_UNAUTHORIZED`. Without an issuer or an
 * audience the first event fails with ERR_JWT_OPTIONS.
 *
 * @example
 * ```ts
 * createApp({ channels, store, authorizer: jwtAuthorizer({ issuer, audience }) });
 * ```
 */
export function jwtAuthorizer(options: JwtAuthorizerOptions = {}): Authorizer {
  const { jwksUri, jwks, toIdentity } = options;
  // Read at the first event: `gatecast routes` runs where the variables are not set.
  return authorizerOf(() => {
    const where = 'jwtAuthorizer()';
    const issuer = required(options.issuer ?? process.env.GATECAST_JWT_ISSUER, where, 'an issuer');
    const audience = required(
      options.audience ?? process.env.GATECAST_JWT_AUDIENCE,
      where,
      'an audience',
    );
    const verifier = JwtVerifier.create({ issuer, audience, ...(jwksUri && { jwksUri }) });
    if (jwks) verifier.cacheJwks(jwks as Parameters<typeof verifier.cacheJwks>[0]);
    return verifier;
  }, toIdentity);
}

/** Options of {@link cognitoAuthorizer}. */
export interface CognitoAuthorizerOptions {
  /**
   * Id of the user pool: `eu-west-1_Example`.
   * @default the environment variable `GATECAST_USER_POOL_ID`
   */
  readonly userPoolId?: string;
  /**
   * One app client, or several.
   * @default the environment variable `GATECAST_USER_POOL_CLIENT_ID`
   */
  readonly clientId?: string | readonly string[];
  /** Which of Cognito's two tokens clients send. @default 'access' */
  readonly tokenUse?: 'access' | 'id';
  /** The keys themselves, so that nothing is fetched. */
  readonly jwks?: { readonly keys: readonly object[] };
  /** Makes the identity of verified claims. @default `sub` as the user, all claims, `exp` */
  readonly toIdentity?: (claims: Readonly<Record<string, unknown>>) => Identity;
}

/**
 * An authorizer for the tokens of an Amazon Cognito user pool. No token, or one that does not pass,
 * is `ERR_UNAUTHORIZED`. Without a user pool or an app client the first event fails with
 * ERR_JWT_OPTIONS.
 *
 * @example
 * ```ts
 * createApp({ channels, store, authorizer: cognitoAuthorizer({ userPoolId, clientId }) });
 * ```
 */
export function cognitoAuthorizer(options: CognitoAuthorizerOptions = {}): Authorizer {
  const { tokenUse = 'access', jwks, toIdentity } = options;
  return authorizerOf(() => {
    const where = 'cognitoAuthorizer()';
    const { GATECAST_USER_POOL_ID, GATECAST_USER_POOL_CLIENT_ID } = process.env;
    const userPoolId = required(options.userPoolId ?? GATECAST_USER_POOL_ID, where, 'a userPoolId');
    const given = required(options.clientId ?? GATECAST_USER_POOL_CLIENT_ID, where, 'a clientId');
    const clientId = typeof given === 'string' ? given : [...given];
    const verifier = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse });
    if (jwks) verifier.cacheJwks(jwks as Parameters<typeof verifier.cacheJwks>[0]);
    return verifier;
  }, toIdentity);
}

interface Verifier {
  verify(token: string): Promise<Readonly<Record<string, unknown>>>;
}

function authorizerOf(
  makeVerifier: () => Verifier,
  toIdentity: (claims: Readonly<Record<string, unknown>>) => Identity = defaultIdentity,
): Authorizer {
  let verifier: Verifier | undefined;
  return async ({ token }) => {
    if (token === undefined) throw new ClientError('ERR_UNAUTHORIZED', 'A token is needed.');
    verifier ??= makeVerifier();
    return toIdentity(await verifyToken(verifier, token));
  };
}

async function verifyToken(
  verifier: Verifier,
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await verifier.verify(token);
  } catch (cause) {
    // Keys that could not be fetched are the server's trouble, not a bad token.
    if (cause instanceof FetchError) throw cause;
    throw new ClientError('ERR_UNAUTHORIZED', 'The token is not valid.', { cause });
  }
}

function defaultIdentity(claims: Readonly<Record<string, unknown>>): Identity {
  const { sub, exp } = claims;
  return {
    claims,
    ...(typeof sub === 'string' && { userId: sub }),
    ...(typeof exp === 'number' && { expiresAt: exp * 1_000 }),
  };
}

function required<T>(value: T | undefined, where: string, needed: string): T {
  if (value === undefined || value === '') throw makeError('ERR_JWT_OPTIONS', { where, needed });
  return value;
}
