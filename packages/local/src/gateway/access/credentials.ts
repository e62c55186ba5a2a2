import { randomBytes } from 'node:crypto';
import { Permissions } from '../../iam/permissions.js';
import { problemWithPolicy } from '../../iam/policy.js';
import type { PolicyDocument } from '../../iam/policy-document.js';
import { type Caller, nameOf, type Role, roleArnOf } from '../../iam/role.js';

/**
 * An access key that may sign requests to the `@connections` API, and handshakes.
 *
 * @group Access and identity
 */
export interface Credential extends Caller {
  /** The `AWS_ACCESS_KEY_ID` of the signer. */
  readonly accessKeyId: string;
  /** The `AWS_SECRET_ACCESS_KEY` of the signer. */
  readonly secretAccessKey: string;
  /** If set, requests that are signed with this key must have the token in `X-Amz-Security-Token`. */
  readonly sessionToken?: string;
}

/** The access keys that the gateway accepts. @group Access and identity */
export class Credentials {
  readonly #byAccessKeyId = new Map<string, Credential>();
  /** What the owners of these keys have called. */
  readonly permissions: Permissions = new Permissions();

  /**
   * Creates a key for `principal`, registers it and returns it. Without permissions it allows everything.
   *
   * @throws Error - if a policy document cannot be evaluated. What cannot be evaluated in a role only
   * refuses the calls that it could decide on.
   */
  issue(principal: string, permissions?: PolicyDocument | Role): Credential {
    const credential = this.prepare(principal, permissions);
    this.permissions.add(credential);
    return credential;
  }

  /**
   * Like `issue`, for somebody who may never call anything, and is not known to `permissions` until then.
   *
   * @throws Error - like `issue`.
   */
  prepare(principal: string, permissions?: PolicyDocument | Role): Credential {
    if (permissions !== undefined && !('policies' in permissions)) check(principal, permissions);
    const credential: Credential = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(96).toString('base64'),
      principal,
      role: permissions && roleOf(principal, permissions),
    };
    this.#byAccessKeyId.set(credential.accessKeyId, credential);
    return credential;
  }

  /** Registers a key. It replaces a key with the same id. */
  add(credential: Credential): void {
    this.#byAccessKeyId.set(credential.accessKeyId, credential);
    this.permissions.add(credential);
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

function check(principal: string, document: PolicyDocument): void {
  const problem = problemWithPolicy(document);
  if (problem === undefined) return;
  throw new Error(`The access key of "${principal}" cannot be used: ${problem}. Change it.`);
}

/** A policy alone is that of the principal's role. */
function roleOf(principal: string, permissions: PolicyDocument | Role): Role {
  if ('policies' in permissions) return permissions;
  const source = `the permissions of "${nameOf(principal)}"`;
  const arn = roleArnOf(principal) ?? principal;
  return { arn, policies: [{ source, document: permissions }] };
}
