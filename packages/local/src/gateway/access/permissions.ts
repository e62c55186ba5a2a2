import type { ApiDetails } from '../api.js';
import type { Credential } from './credentials.js';
import { evaluatePolicy } from './policy.js';

/** An action on an API that needs a permission. */
interface RequestedAction {
  readonly action: 'execute-api:Invoke' | 'execute-api:ManageConnections';
  /** The part after the stage in the ARN of the resource. */
  readonly path: string;
}

/**
 * The error message of AWS if an access key does not allow an action; `undefined` if it does. As on AWS,
 * the account is masked, and all connection ids appear as `{connectionId}`.
 */
export function problemWithPermission(
  { principal, policy }: Credential,
  { region, accountId, apiId, stage }: ApiDetails,
  { action, path }: RequestedAction,
): string | undefined {
  const resource = (account: string) =>
    `arn:aws:execute-api:${region}:${account}:${apiId}/${stage}/${path}`;
  if (policy === undefined || evaluatePolicy(policy, action, resource(accountId)) === 'allow') {
    return undefined;
  }
  const shown = resource(accountId.slice(-4).padStart(accountId.length, '*'));
  return `User: ${principal} is not authorized to perform: ${action} on resource: ${shown}`;
}
