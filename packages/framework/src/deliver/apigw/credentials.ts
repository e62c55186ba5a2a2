import type { Credentials } from './sign.js';

/** Credentials as AWS's own providers return them. */
export interface ExpiringCredentials extends Credentials {
  /** When they end. @default when AWS refuses them */
  readonly expiration?: Date;
}

/** Gets credentials: asked before the first request, and again when they have ended or were refused. */
export type CredentialSource = () => ExpiringCredentials | Promise<ExpiringCredentials>;

/** Why there are no credentials: the end of a sentence, without any secret. */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials';
}

const READ_EVERY_MS = 1_000;
const RENEWED_BEFORE_MS = 60_000;

/** Credentials that are kept until they change. */
export interface CredentialCache {
  /**
   * The credentials of now; the same object as long as they are the same.
   *
   * @throws NoCredentials - when there are none.
   */
  get(): Credentials | Promise<Credentials>;
  /** Reads them again, because AWS refused these. Returns whether there are others now. */
  renew(refused: Credentials): Promise<boolean>;
}

/** The credentials of the environment, read again when they change there. */
export function environmentCredentials(): CredentialCache {
  let latest: Credentials | undefined;
  let readAt = -Infinity;
  const read = (): Credentials => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
    if (!AWS_ACCESS_KEY_ID) throw new NoCredentials('AWS_ACCESS_KEY_ID is not set');
    if (!AWS_SECRET_ACCESS_KEY) throw new NoCredentials('AWS_SECRET_ACCESS_KEY is not set');
    readAt = performance.now();
    const isSame =
      latest?.accessKeyId === AWS_ACCESS_KEY_ID &&
      latest.secretAccessKey === AWS_SECRET_ACCESS_KEY &&
      (latest.sessionToken ?? '') === (AWS_SESSION_TOKEN ?? '');
    if (latest && isSame) return latest;
    latest = {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    };
    return latest;
  };
  return {
    // Reading the environment costs as much as signing does.
    get: () => (latest && performance.now() - readAt < READ_EVERY_MS ? latest : read()),
    renew: async (refused) => read() !== refused,
  };
}

/** Credentials of a function: asked once for all requests that need them. */
export function suppliedCredentials(source: CredentialSource): CredentialCache {
  let latest: ExpiringCredentials | undefined;
  let asking: Promise<Credentials> | undefined;
  const ask = async (): Promise<Credentials> => {
    try {
      const given = await source();
      if (!given?.accessKeyId || !given.secretAccessKey) {
        throw new NoCredentials(
          'the function "credentials" returned no accessKeyId or no secretAccessKey',
        );
      }
      latest = given;
      return given;
    } catch (error) {
      if (error instanceof NoCredentials) throw error;
      const { name } = error as Error;
      throw new NoCredentials(`the function "credentials" failed with ${name}`);
    } finally {
      asking = undefined;
    }
  };
  const askOnce = (): Promise<Credentials> => (asking ??= ask());
  const isOver = ({ expiration }: ExpiringCredentials): boolean =>
    expiration !== undefined && expiration.getTime() - Date.now() < RENEWED_BEFORE_MS;
  return {
    get: () => (latest && !isOver(latest) ? latest : askOnce()),
    renew: async (refused) => {
      if (latest !== refused) return true;
      const { accessKeyId, sessionToken } = await askOnce();
      return accessKeyId !== refused.accessKeyId || sessionToken !== refused.sessionToken;
    },
  };
}
