import type { Credentials } from './sign.js';

/** Credentials as AWS's own providers return them. */
export interface ExpiringCredentials extends Credentials {
  /** When they expire. @default when AWS refuses them */
  readonly expiration?: Date;
}

/**
 * Gets credentials: called before the first request, and again when they have expired or were refused.
 */
export type CredentialSource = () => ExpiringCredentials | Promise<ExpiringCredentials>;

/** Thrown if there are no credentials. The message is the end of a sentence, without any secret. */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials';
}

const READ_EVERY_MS = 1_000;
const RENEWED_BEFORE_MS = 60_000;

/** Keeps credentials until they change. */
export interface CredentialCache {
  /**
   * The current credentials; the same object until they change.
   *
   * @throws NoCredentials - when there are none.
   */
  get(): Credentials | Promise<Credentials>;
  /** Gets them again, because AWS refused these. Returns whether they have changed. */
  renew(refused: Credentials): Promise<boolean>;
}

/** The credentials in the environment variables, which are read again after a second. */
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

/** Credentials that a function returns. Requests that need them at the same time share one call. */
export function suppliedCredentials(source: CredentialSource): CredentialCache {
  let latest: ExpiringCredentials | undefined;
  let pending: Promise<Credentials> | undefined;
  const fetchLatest = async (): Promise<Credentials> => {
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
      const name = error instanceof Error ? error.name : typeof error;
      throw new NoCredentials(`the function "credentials" failed with ${name}`);
    }
  };
  // Not in a `finally` inside: a function that throws at once would end before its promise is kept here, for ever.
  const fetchOnce = (): Promise<Credentials> =>
    (pending ??= fetchLatest().finally(() => {
      pending = undefined;
    }));
  const isOver = ({ expiration }: ExpiringCredentials): boolean =>
    expiration !== undefined && expiration.getTime() - Date.now() < RENEWED_BEFORE_MS;
  return {
    get: () => (latest && !isOver(latest) ? latest : fetchOnce()),
    renew: async (refused) => {
      if (latest !== refused) return true;
      const { accessKeyId, sessionToken } = await fetchOnce();
      return accessKeyId !== refused.accessKeyId || sessionToken !== refused.sessionToken;
    },
  };
}
