import { ClientError } from '../errors/client-error.js';
import type { AppCore } from '../invocation/invocation.js';
import { checkOrigin, identify, readHandshake } from '../wire/handshake.js';
import { encodeIdentity, IDENTITY_KEY } from '../wire/identity.js';
import type { AuthorizerRequestEvent, PolicyResponse } from '../wire/lambda-events.js';

/**
 * Answers a REQUEST authorizer event: Allow with the identity in the context, Deny (403), or the
 * exact error text that API Gateway turns into 401 (row 4.4). An app without authorizer lets everyone
 * in as a guest.
 */
export async function handleAuthorizer(
  core: AppCore,
  event: AuthorizerRequestEvent,
): Promise<PolicyResponse> {
  const { connectionId, requestId } = event.requestContext;
  try {
    const handshake = readHandshake(event);
    checkOrigin(handshake, core.origins);
    const identity = core.authorizer ? await identify(core.authorizer, handshake) : {};
    return {
      ...policy('Allow', event.methodArn, identity.userId),
      context: { [IDENTITY_KEY]: encodeIdentity(identity) },
    };
  } catch (error) {
    core.report(error, { route: 'authorizer', connectionId, requestId, isAnswered: true });
    if (!ClientError.is(error)) throw new Error('The authorizer failed.', { cause: error });
    if (error.code === 'ERR_UNAUTHORIZED') throw new Error('Unauthorized', { cause: error });
    return policy('Deny', event.methodArn, undefined);
  }
}

function policy(effect: 'Allow' | 'Deny', arn: string, userId: string | undefined): PolicyResponse {
  return {
    principalId: userId ?? 'guest',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: arn }],
    },
  };
}
