import { partitionOf } from '@gatecast/framework/adapter';
import { apiGatewayKeys, type ConditionedRequest, type Keys, roleKeys } from '../../iam/keys.js';
import type { Role } from '../../iam/role.js';
import type { ApiDetails } from '../api.js';
import type { Credential, Credentials } from './credentials.js';

/** An action on an API that needs a permission. */
interface RequestedAction extends ConditionedRequest {
  readonly action: 'execute-api:Invoke' | 'execute-api:ManageConnections';
  /** The part after the stage in the ARN of the resource. */
  readonly path: string;
}

/** A key, with those that it is one of. */
interface Signer {
  readonly credentials: Credentials;
  readonly credential: Credential;
}

/**
 * The error message of AWS if an access key does not allow an action; `undefined` if it does. As on AWS,
 * the account is masked, and all connection ids appear as `{connectionId}`.
 */
export function problemWithPermission(
  { credentials, credential }: Signer,
  { region, accountId, apiId, stage }: ApiDetails,
  { path, action, ...request }: RequestedAction,
): string | undefined {
  const resource = (account: string) =>
    `arn:${partitionOf(region).name}:execute-api:${region}:${account}:${apiId}/${stage}/${path}`;
  const called = { region, resource: resource(accountId) };
  const keys = keysOf(request, { ...called, role: credential.role });
  const asked = { action, resource: called.resource, keys };
  if (credentials.permissions.check(credential, asked).isAllowed) return undefined;
  const shown = resource(accountId.slice(-4).padStart(accountId.length, '*'));
  return `User: ${credential.principal} is not authorized to perform: ${action} on resource: ${shown}`;
}

/** The condition keys of API Gateway, and those of the role's session. */
function keysOf(
  request: ConditionedRequest,
  {
    role,
    ...called
  }: { readonly role: Role | undefined; readonly region: string; readonly resource: string },
): Keys {
  const ofRole = role && roleKeys({ ...request, ...called, roleArn: role.arn });
  return new Map([...(ofRole ?? []), ...apiGatewayKeys(request)]);
}
