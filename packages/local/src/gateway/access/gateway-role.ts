import { API_GATEWAY_SESSION, type Caller, type Role, sessionOf } from '../../iam/role.js';
import { mayAssume } from '../../iam/trust.js';

/** A role that API Gateway assumes. One of which only the ARN is known may do everything. */
export type RoleOfGateway = Role | Pick<Role, 'arn'>;

/** The name of the service in trust policies and in permissions of functions. */
export const API_GATEWAY = 'apigateway.amazonaws.com';

/** API Gateway in a session of the role. */
export function callerWith(role: RoleOfGateway): Caller {
  return {
    principal: sessionOf(role.arn, API_GATEWAY_SESSION),
    role: 'policies' in role ? role : undefined,
  };
}

/** Why API Gateway cannot be in a role; `undefined` if it can. */
export function problemWithTrust(role: RoleOfGateway): string | undefined {
  const trust = 'policies' in role ? role.trust : undefined;
  const decision = trust === undefined ? 'allow' : mayAssume(trust.document, API_GATEWAY);
  if (trust === undefined || decision === 'allow') return undefined;
  const reason =
    decision === 'deny'
      ? `${trust.source} does not allow sts:AssumeRole to the service "${API_GATEWAY}"`
      : decision.problem;
  return `API Gateway may not assume the role "${role.arn}": ${reason}.`;
}
