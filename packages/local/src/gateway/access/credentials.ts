import { randomBytes } from 'node:crypto';
import type { PolicyDocument } from '../../policy-document.js';
import { problemWithPolicy } from './policy.js';

/** An access key that may sign requests to the `@connections` API, and handshakes. */
export interface Credential {
  /** The `AWS_ACCESS_KEY_ID` of the signer. */
  readonly accessKeyId: string;
  /** The `AWS_SECRET_ACCESS_KEY` of the signer. */
  readonly secretAccessKey: string;
  /** If set, requests that are signed with this key must have the token in `X-Amz-Security-Token`. */
  readonly sessionToken?: string;
  /** The owner of the key, as an ARN or in words. */
  readonly principal: string;
  /** What the key allows. @default everything */
  readonly policy?: PolicyDocument | undefined;
}

/** The access keys that the gateway accepts. */
export class Credentials {
  readonly #byAccessKeyId = new Map<string, Credential>();

  /**
   * Creates a key for `principal`, registers it and returns it. Without a policy it allows everything.
   *
   * @throws Error - if the policy cannot be evaluated.
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
   * Registers a key. It replaces a key with the same id.
   *
   * @throws Error - if its policy cannot be evaluated.
   */
  add(credential: Credential): void {
    const { principal, policy } = credential;
    const problem = policy && problemWithPolicy(policy);
    if (problem !== undefined) {
      throw new Error(`The access key of "${principal}" cannot be used: ${problem}. Change it.`);
    }
    this.#byAccessKeyId.set(credential.accessKeyId, credential);
  }

  /** Removes a key. Requests that are signed with it are refused from now on. */
  delete(accessKeyId: string): void {
    this.#byAccessKeyId.delete(accessKeyId);
  }

  /** Finds a key by its id. */
  find(accessKeyId: string): Credential | undefined {
    return this.#byAccessKeyId.get(accessKeyId);
  }
}
