import { partitionOf } from '@gatecast/framework/adapter';
import { roleKeys } from '../../iam/keys.js';
import type { Api } from '../api.js';
import type { LambdaFunction } from '../lambda-function.js';
import { API_GATEWAY, callerWith, problemWithTrust, type RoleOfGateway } from './gateway-role.js';

/** A function that API Gateway is about to invoke. */
export interface InvokedFunction {
  readonly lambda: LambdaFunction;
  readonly credentials: RoleOfGateway | undefined;
  /** What follows the id of the API in the ARN of the route or of the authorizer. */
  readonly source: string;
}

/**
 * Why API Gateway may not invoke a function; `undefined` if it may: by the role of the integration or the
 * authorizer, or otherwise by the permissions of the function (API Gateway: "Permissions to invoke").
 */
export function problemWithInvoke(
  api: Api,
  { lambda, credentials, source }: InvokedFunction,
): string | undefined {
  if (credentials !== undefined) return problemWithRole(api, credentials, lambda);
  const { invokePermissions: permissions } = lambda;
  if (permissions === undefined) return undefined;
  const { apiId, region, accountId: sourceAccount } = api.details;
  const sourceArn = `arn:${partitionOf(region).name}:execute-api:${region}:${sourceAccount}:${apiId}/${source}`;
  const invocation = { principal: API_GATEWAY, sourceArn, sourceAccount };
  return api.access.credentials.permissions.mayInvoke(permissions, invocation)
    ? undefined
    : missingPermission(lambda, sourceArn);
}

function problemWithRole(
  api: Api,
  role: RoleOfGateway,
  lambda: LambdaFunction,
): string | undefined {
  const untrusted = problemWithTrust(role);
  if (untrusted !== undefined) return untrusted;
  const action = 'lambda:InvokeFunction';
  const { arn: resource = '' } = lambda;
  const caller = callerWith(role);
  const { region } = api.details;
  const sender = { now: api.now(), sourceIp: '', userAgent: undefined };
  const keys = roleKeys({ ...sender, region, resource, roleArn: role.arn });
  const { isAllowed } = api.access.credentials.permissions.check(caller, {
    action,
    resource,
    keys,
  });
  return isAllowed
    ? undefined
    : `User: ${caller.principal} is not authorized to perform: ${action} on resource: ${resource}`;
}

function missingPermission(
  { arn = 'the function', invokePermissions = [] }: LambdaFunction,
  sourceArn: string,
): string {
  const others = invokePermissions
    .filter(({ principal }) => principal === API_GATEWAY)
    .map(({ source, sourceArn: other = 'any' }) => `${source} is for the SourceArn ${other}`);
  const known = others.length === 0 ? 'It has none for API Gateway' : others.join(', ');
  return (
    `API Gateway may not invoke ${arn}: it lacks an AWS::Lambda::Permission with the Action ` +
    `lambda:InvokeFunction, the Principal ${API_GATEWAY} and the SourceArn ${sourceArn}. ${known}.`
  );
}
