import { randomBytes } from 'node:crypto';
import { type PolicyDocument, problemWithPolicy } from './policy.js';

/** An access key that may sign requests to the `@connections` API, and handshakes. */
export interface Credential {
  /** The `AWS_ACCESS_KEY_ID` of whoever signs. */
  readonly accessKeyId: string;
  /** The `AWS_SECRET_ACCESS_KEY` of whoever signs. */
  readonly secretAccessKey: string;
  /** A request signed with this key must carry the token in `X-Amz-Security-Token`. */
  readonly sessionToken?: string;
  /** Whom the key belongs to: an ARN, or words for a person. */
  readonly principal: string;
  /** What may be done with the key. @default everything */
  readonly policy?: PolicyDocument | undefined;
}

/** The access keys that the gateway knows. */
export class Credentials {
  readonly #byAccessKeyId = new Map<string, Credential>();

  /**
   * Makes a key of its own for `principal`, registers it and returns it. Without a policy it may be
   * used for everything.
   *
   * @throws Error - when the policy cannot be evaluated.
   */
  issue(principal: string, policy?: PolicyDocument): Credential {
    const credential = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(96).toString('base64'),
      principal,
      policy,
    };
    this.add(credential);
    return credential;
  }

  /**
   * Registers a key, in the place of one with the same id.
   *
   * @throws Error - when its policy cannot be evaluated.
   */
  add(credential: Credential): void {
    const { principal, policy } = credential;
    const problem = policy && problemWithPolicy(policy);
    if (problem !== undefined) {
      throw new Error(`The access key of "${principal}" cannot be used: ${problem}. Change it.`);
    }
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
