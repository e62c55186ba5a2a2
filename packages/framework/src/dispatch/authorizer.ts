import { ClientError } from '../errors/client-error.js';
import { Invocation } from '../invocation/invocation.js';
import { refusalReason } from '../invocation/report.js';
import type { Identity } from '../wire/connection.js';
import {
  type Authorizer,
  checkOrigin,
  chooseSubprotocol,
  type Handshake,
  readHandshake,
} from '../wire/handshake.js';
import { authorizerContext, checkIdentity } from '../wire/identity.js';
import type {
  AuthorizerRequestEvent,
  LambdaContext,
  PolicyResponse,
} from '../wire/lambda-events.js';
import type { AppCore } from './app-invocation.js';

/**
 * Answers a REQUEST authorizer event: Allow with the identity in the context, Deny (403), or an error
 * with the exact text that API Gateway turns into 401 (row 4.4). An app without an authorizer accepts
 * everyone as a guest.
 */
export async function handleAuthorizer(
  core: AppCore,
  event: AuthorizerRequestEvent,
  lambdaContext: LambdaContext | undefined,
): Promise<PolicyResponse> {
  const { methodArn } = event;
  const invocation = new Invocation(core, event, lambdaContext);
  invocation.route = 'authorizer';
  try {
    const handshake = readHandshake(event);
    // `$connect` checks both again, but with direct writes no function runs for it.
    checkOrigin(handshake, core.origins);
    chooseSubprotocol(handshake);
    const identity: Identity = core.authorizer
      ? await invocation.inTime(
          askAuthorizer(core.authorizer, handshake, core.now()),
          'the authorizer',
        )
      : {};
    return {
      ...policy('Allow', methodArn, identity.userId),
      context: authorizerContext(identity),
    };
  } catch (error) {
    invocation.report(error, { isAnswered: true });
    if (!ClientError.is(error)) throw shortError('The authorizer failed.');
    if (error.code === 'ERR_UNAUTHORIZED') throw withReason(shortError('Unauthorized'), error);
    return withReason(policy('Deny', methodArn, undefined), error);
  }
}

/**
 * Runs the authorizer and checks its result.
 *
 * @throws ClientError - any that the authorizer throws; ERR_UNAUTHORIZED, if the identity has expired.
 * @throws UsageError - ERR_IDENTITY_INVALID.
 */
export async function askAuthorizer(
  authorizer: Authorizer,
  { token, headers, query, sourceIp }: Handshake,
  now: number,
): Promise<Identity> {
  const identity: unknown = await authorizer({
    headers,
    query,
    sourceIp,
    ...(token !== undefined && { token }),
  });
  return checkIdentity(identity, now);
}

/** The local gateway shows the reason to the developer. Lambda does not pass on symbols. */
function withReason<T extends object>(answer: T, error: ClientError): T {
  return Object.defineProperty(answer, Symbol.for('gatecast.reason'), {
    value: refusalReason(error),
  });
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

// Lambda logs a rejection with its stack and those of its causes, about thirty lines for each expired
// token. The error has been reported already, so this one is short.
function shortError(message: string): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}`;
  return error;
}
