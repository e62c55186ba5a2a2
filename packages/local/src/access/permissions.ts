import type { ApiFacts } from '../api.js';
import type { Credential } from './credentials.js';
import { evaluatePolicy } from './policy.js';

/** Something that is done on an API. */
interface Act {
  readonly action: 'execute-api:Invoke' | 'execute-api:ManageConnections';
  /** What stands after the stage in the ARN of the resource. */
  readonly path: string;
}

/**
 * Why an access key may not be used for something on the API, in the words of AWS: the account is
 * masked, and `@connections` is a resource for all ids together, `{connectionId}`. `undefined` when
 * it may.
 */
export function problemWithPermission(
  { principal, policy }: Credential,
  { region, accountId, apiId, stage }: ApiFacts,
  { action, path }: Act,
): string | undefined {
  const resource = (account: string) =>
    `arn:aws:execute-api:${region}:${account}:${apiId}/${stage}/${path}`;
  if (policy === undefined || evaluatePolicy(policy, action, resource(accountId)) === 'allow') {
    return undefined;
  }
  const shown = resource(accountId.slice(-4).padStart(accountId.length, '*'));
  return `User: ${principal} is not authorized to perform: ${action} on resource: ${shown}`;
}
