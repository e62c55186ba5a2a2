import { randomBytes } from 'node:crypto';

/** An access key that may sign requests to the `@connections` API. */
export interface Credential {
  /** The `AWS_ACCESS_KEY_ID` of whoever signs. */
  readonly accessKeyId: string;
  /** The `AWS_SECRET_ACCESS_KEY` of whoever signs. */
  readonly secretAccessKey: string;
  /** A request signed with this key must carry the token in `X-Amz-Security-Token`. */
  readonly sessionToken?: string;
  /** Whom the key belongs to, in words for a person. */
  readonly principal: string;
}

/** The access keys that the gateway knows. */
export class Credentials {
  readonly #byAccessKeyId = new Map<string, Credential>();

  /** Makes a key of its own for `principal`, registers it and returns it. */
  issue(principal: string): Credential {
    const credential = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(96).toString('base64'),
      principal,
    };
    this.add(credential);
    return credential;
  }

  /** Registers a key, in the place of one with the same id. */
  add(credential: Credential): void {
    this.#byAccessKeyId.set(credential.accessKeyId, credential);
  }

  /** Takes a key away: requests that are signed with it are refused from now on. */
  delete(accessKeyId: string): void {
    this.#byAccessKeyId.delete(accessKeyId);
  }

  /** The key of that id. */
  find(accessKeyId: string): Credential | undefined {
    return this.#byAccessKeyId.get(accessKeyId);
  }
}
