/**
 * Authorizers that verify JSON Web Tokens. Needs `aws-jwt-verify` to be installed.
 *
 * @module @gatecast/framework/jwt
 */

import { createPublicKey } from 'node:crypto';
import { CognitoJwtVerifier, JwtVerifier } from 'aws-jwt-verify';
import {
  JwtParseError,
  JwtWithoutValidKidError,
  KidNotFoundInJwksError,
  WaitPeriodNotYetEndedJwkError,
} from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { checkOptions, type OptionType, option, reasonOf } from './errors/check-options.js';
import { ClientError } from './errors/client-error.js';
import { ConfigurationError, makeError, traceFrom } from './errors/gatecast-error.js';
import type { Identity } from './wire/connection.js';
import { quote } from './wire/frame.js';
import type { Authorizer } from './wire/handshake.js';

/** The accepted signature algorithms, and the type of key for each. */
const KEY_TYPES = new Map<unknown, string>([
  ['RS256', 'RSA'],
  ['RS384', 'RSA'],
  ['RS512', 'RSA'],
  ['ES256', 'EC'],
  ['ES384', 'EC'],
  ['ES512', 'EC'],
  ['EdDSA', 'OKP'],
]);
const MAX_REASON_LENGTH = 200;

/** Options of both authorizers. */
export interface TokenOptions {
  /**
   * The keys themselves. Then keys are never fetched, and a token that is signed with any other key is
   * refused.
   */
  readonly jwks?: { readonly keys: readonly object[] };
  /**
   * How far the clocks of the issuer and the function may differ, in milliseconds. A token is accepted
   * that much earlier and later.
   * @default 5000
   */
  readonly leewayMs?: number;
  /** Makes the identity from verified claims. @default `sub` as the user, all claims, `exp` */
  readonly toIdentity?: (claims: Readonly<Record<string, unknown>>) => Identity;
}

/** Options of {@link jwtAuthorizer}. */
export interface JwtAuthorizerOptions extends TokenOptions {
  /**
   * `iss` of the tokens. The keys are fetched from its `.well-known/jwks.json`.
   * @default the environment variable `GATECAST_JWT_ISSUER`
   */
  readonly issuer?: string;
  /** `aud` of the tokens. @default the environment variable `GATECAST_JWT_AUDIENCE` */
  readonly audience?: string;
  /** `https:` URL of the issuer's keys. @default `<issuer>/.well-known/jwks.json` */
  readonly jwksUri?: string;
  /** Whether to refuse tokens without `exp`, which never expire. @default true */
  readonly requireExpiry?: boolean;
}

const tokenOptions = {
  jwks: { takes: '{ keys: [ … ] }, a JSON Web Key Set', fits: isKeySet },
  leewayMs: option.milliseconds(0, 600_000),
  toIdentity: option.callback,
};
const httpsUrl: OptionType = {
  takes: 'an https: URL',
  fits: (value) =>
    typeof value === 'string' && URL.canParse(value) && new URL(value).protocol === 'https:',
};
const jwtOptions = {
  ...tokenOptions,
  issuer: option.text,
  audience: option.text,
  jwksUri: httpsUrl,
  requireExpiry: option.flag,
};

/**
 * An authorizer that verifies JSON Web Tokens of any OpenID Connect issuer: signature (RS256, RS384,
 * RS512, ES256, ES384, ES512 or Ed25519), `iss`, `aud`, `exp` and `nbf`. Keys are fetched once and
 * cached. A token with an unknown key id makes it fetch them again.
 *
 * A missing or invalid token is refused with `ERR_UNAUTHORIZED`. If the issuer's keys cannot be used, the
 * handshake is answered with 500 and ERR_JWT_KEYS is reported. Without an issuer or an audience, the
 * first event fails with ERR_JWT_OPTIONS.
 *
 * @example
 * ```ts
 * createApp({ channels, store, authorizer: jwtAuthorizer({ issuer, audience }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_OPTION_CONFLICT.
 */
export function jwtAuthorizer(options: JwtAuthorizerOptions = {}): Authorizer {
  const where = 'jwtAuthorizer()';
  checkOptions(where, options, jwtOptions, [['jwks', 'jwksUri']]);
  const { jwksUri, jwks, leewayMs = 5_000, requireExpiry = true } = options;
  // Read at the first event: `gatecast routes` runs where the variables are not set.
  const makeVerifier = (): Verifier => {
    const issuer = required(options.issuer, {
      where,
      option: 'issuer',
      variable: 'GATECAST_JWT_ISSUER',
    });
    const audience = required(options.audience, {
      where,
      option: 'audience',
      variable: 'GATECAST_JWT_AUDIENCE',
    });
    // The verifier derives the URL of the keys from the issuer. If the keys are given, the URL is never
    // fetched.
    const address = jwks ? 'https://keys.invalid/' : jwksUri;
    if (address === undefined) {
      checkOptions(where, { issuer }, { issuer: httpsUrl });
    }
    return JwtVerifier.create(
      { issuer, audience, graceSeconds: leewayMs / 1_000, ...(address && { jwksUri: address }) },
      { jwksCache: new IssuerKeys(issuer, jwks) },
    );
  };
  return authorizerOf(makeVerifier, { ...options, leewayMs, requireExpiry });
}

/** Options of {@link cognitoAuthorizer}. */
export interface CognitoAuthorizerOptions extends TokenOptions {
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
}

const userPoolOption: OptionType = {
  takes: 'the id of a user pool, such as eu-west-1_Example',
  fits: (value) => typeof value === 'string' && /^[a-z]{2}(-[a-z]+)+-\d+_[A-Za-z0-9]+$/.test(value),
};
const cognitoOptions = {
  ...tokenOptions,
  userPoolId: userPoolOption,
  clientId: {
    takes: 'a non-empty string, or a list of them',
    fits: (value: unknown) =>
      Array.isArray(value)
        ? value.length > 0 && value.every((entry) => option.text.fits(entry))
        : option.text.fits(value),
  },
  tokenUse: option.oneOf('access', 'id'),
};

/**
 * An authorizer for tokens of an Amazon Cognito user pool. Otherwise the same as {@link jwtAuthorizer}.
 * Without a user pool or an app client, the first event fails with ERR_JWT_OPTIONS.
 *
 * @example
 * ```ts
 * createApp({ channels, store, authorizer: cognitoAuthorizer({ userPoolId, clientId }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 */
export function cognitoAuthorizer(options: CognitoAuthorizerOptions = {}): Authorizer {
  const where = 'cognitoAuthorizer()';
  checkOptions(where, options, cognitoOptions);
  const { tokenUse = 'access', jwks, leewayMs = 5_000 } = options;
  const makeVerifier = (): Verifier => {
    const variable = 'GATECAST_USER_POOL_ID';
    const userPoolId = required(options.userPoolId, { where, option: 'userPoolId', variable });
    checkOptions(where, { userPoolId }, { userPoolId: userPoolOption });
    const given = required(options.clientId, {
      where,
      option: 'clientId',
      variable: 'GATECAST_USER_POOL_CLIENT_ID',
    });
    const clientId = typeof given === 'string' ? given : [...given];
    return CognitoJwtVerifier.create(
      { userPoolId, clientId, tokenUse, graceSeconds: leewayMs / 1_000 },
      { jwksCache: new IssuerKeys(userPoolId, jwks) },
    );
  };
  return authorizerOf(makeVerifier, { ...options, leewayMs, requireExpiry: true });
}

type KeySet = NonNullable<TokenOptions['jwks']>;
type LookUp = Parameters<SimpleJwksCache['getJwk']>;
type Key = Awaited<ReturnType<SimpleJwksCache['getJwk']>>;

/** An issuer's keys: either given, or fetched once and again for an unknown key id. */
class IssuerKeys extends SimpleJwksCache {
  readonly #issuer: string;
  readonly #given: KeySet | undefined;

  constructor(issuer: string, given: KeySet | undefined) {
    super();
    this.#issuer = issuer;
    this.#given = given;
  }

  override async getJwk(...[address, token]: LookUp): Promise<Key> {
    checkHeader(token.header);
    try {
      if (this.#given) this.addJwks(address, this.#given as Parameters<typeof this.addJwks>[1]);
      const key = this.#given
        ? this.getCachedJwk(address, token)
        : await super.getJwk(address, token);
      // Fails here if the key itself is broken, so that this is not reported as a wrong signature.
      createPublicKey({ key: { ...key }, format: 'jwk' });
      if (key.kty === KEY_TYPES.get(token.header.alg)) return key;
      throw unauthorized('its algorithm does not fit its key');
    } catch (cause) {
      if (isAboutKeyId(cause) || ClientError.is(cause)) throw cause;
      const reason = cut(reasonOf(cause));
      throw makeError('ERR_JWT_KEYS', { issuer: this.#issuer, reason }, cause);
    }
  }
}

/**
 * Whether the token is at fault: the issuer's keys were fetched just now, and the token's key is not
 * among them.
 */
function isAboutKeyId(error: unknown): boolean {
  return (
    error instanceof KidNotFoundInJwksError ||
    error instanceof JwtWithoutValidKidError ||
    error instanceof WaitPeriodNotYetEndedJwkError
  );
}

function checkHeader({ alg, crit }: { readonly alg?: unknown; readonly crit?: unknown }): void {
  if (!KEY_TYPES.has(alg)) {
    const known = [...KEY_TYPES.keys()].join(', ');
    throw unauthorized(`it is signed with ${quote(String(alg))}, which is not one of ${known}`);
  }
  // RFC 7515, section 4.1.11: a token with a critical extension that is not understood must be refused.
  if (crit !== undefined) throw unauthorized('it has extensions ("crit") that are not known here');
}

interface Verifier {
  verify(token: string): Promise<Readonly<Record<string, unknown>>>;
}

interface Verification extends TokenOptions {
  readonly leewayMs: number;
  readonly requireExpiry: boolean;
}

function authorizerOf(makeVerifier: () => Verifier, options: Verification): Authorizer {
  const { leewayMs, requireExpiry } = options;
  const { toIdentity = (claims) => identityOf(claims, leewayMs) } = options;
  let verifier: Verifier | undefined;
  return async ({ token }) => {
    if (token === undefined) throw new ClientError('ERR_UNAUTHORIZED', 'A token is needed.');
    verifier ??= makeVerifier();
    const claims = await verifyToken(verifier, token);
    if (requireExpiry && claims['exp'] === undefined) throw unauthorized('it has no "exp"');
    return toIdentity(claims);
  };
}

async function verifyToken(
  verifier: Verifier,
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await verifier.verify(token);
  } catch (error) {
    if (ConfigurationError.is(error) || ClientError.is(error)) throw error;
    // Do not use the parser's own message: it quotes the token.
    if (error instanceof JwtParseError) throw unauthorized('it is not a JSON Web Token', error);
    throw unauthorized(cut(reasonOf(error)), error);
  }
}

function unauthorized(reason: string, cause?: unknown): ClientError {
  return new ClientError('ERR_UNAUTHORIZED', `The token is not valid: ${reason}.`, { cause });
}

function identityOf(claims: Readonly<Record<string, unknown>>, leewayMs: number): Identity {
  const { sub, exp } = claims;
  return {
    claims,
    ...(typeof sub === 'string' && { userId: sub }),
    ...(typeof exp === 'number' && { expiresAt: exp * 1_000 + leewayMs }),
  };
}

/** The value of an option, or of the environment variable that replaces it. */
function required<T>(
  given: T | undefined,
  { where, option: name, variable }: { where: string; option: string; variable: string },
): T | string {
  const value = given ?? process.env[variable];
  if (value !== undefined && value !== '') return value;
  const error = makeError('ERR_JWT_OPTIONS', { where, option: name, variable });
  // The mistake was made when the authorizer was created, so the current stack would not help.
  traceFrom(error, jwtAuthorizer);
  throw error;
}

function isKeySet(value: unknown): boolean {
  const { keys } = (value ?? {}) as { readonly keys?: unknown };
  return Array.isArray(keys) && keys.length > 0 && keys.every((key) => option.object.fits(key));
}

function cut(text: string): string {
  return text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH)}…` : text;
}
