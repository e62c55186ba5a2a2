import { partitionOf } from '@gatecast/framework/adapter';
import type { ApiDetails } from '../api.js';
import type { Credential } from './credentials.js';
import { evaluatePolicy } from './policy.js';
import type { ConditionedRequest } from './policy-conditions.js';

/** An action on an API that needs a permission. */
interface RequestedAction extends ConditionedRequest {
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
  { path, ...question }: RequestedAction,
): string | undefined {
  const resource = (account: string) =>
    `arn:${partitionOf(region).name}:execute-api:${region}:${account}:${apiId}/${stage}/${path}`;
  const asked = { ...question, resource: resource(accountId) };
  if (policy === undefined || evaluatePolicy(policy, asked) === 'allow') return undefined;
  const shown = resource(accountId.slice(-4).padStart(accountId.length, '*'));
  return `User: ${principal} is not authorized to perform: ${question.action} on resource: ${shown}`;
}
