import type { makeAuthorizerEvent } from '@gatecast/framework/testing';
import { apiGatewayKeys } from '../../iam/keys.js';
import { evaluatePolicy, resourcesOf } from '../../iam/policy.js';
import type { Api } from '../api.js';
import type { ServedAuthorizer } from '../deployment.js';
import type { GatewayEvent } from '../events.js';
import { coldStartOf, invoke, type Outcome } from '../routes/invoke.js';
import { problemWithInvoke } from './invoke-access.js';

type AuthorizerEvent = ReturnType<typeof makeAuthorizerEvent>;

/** The decision of the authorizer about a connection. */
export type Verdict =
  | {
      readonly isAllowed: true;
      /** `principalId` and its context as strings, for later events (row 4.11). */
      readonly values: Readonly<Record<string, string>>;
      /** The client's API key, for APIs that take it from the authorizer (row 4.12). */
      readonly usageIdentifierKey: string | undefined;
    }
  | {
      readonly isAllowed: false;
      readonly status: 401 | 403 | 500;
      readonly detail: string;
    };

const MAX_RESULT_BYTES = 8_192;
/** The longest resource in a policy (Output from an Amazon API Gateway Lambda authorizer). */
const MAX_RESOURCE_LENGTH = 512;

/**
 * Calls the authorizer for a connection. Nothing is cached, so it is called for each handshake (row 4.9).
 */
export async function authorize(
  api: Api,
  { function: lambda, authorizerId, credentials, identitySources }: ServedAuthorizer,
  event: AuthorizerEvent,
): Promise<Verdict> {
  const time = api.now();
  let outcome: Outcome | undefined;
  const [missing] = [...identitySources].find(([, source]) => !source(event)) ?? [];
  let verdict = refused(401, `The identity source "${missing}" is missing.`);
  const source = `authorizers/${authorizerId}`;
  const problem =
    missing === undefined ? problemWithInvoke(api, { lambda, credentials, source }) : undefined;
  if (problem !== undefined) {
    verdict = refused(500, problem);
  } else if (missing === undefined) {
    outcome = await invoke(lambda, event, { timeoutMs: api.integrationTimeoutMs });
    verdict = judge(outcome, event, time);
  }
  const { connectionId } = event.requestContext;
  const described = { ...describe(verdict), ...coldStartOf(outcome) };
  api.report({ time, route: 'authorizer', connectionId, ...described }, { event });
  return verdict;
}

function judge(outcome: Outcome, event: AuthorizerEvent, now: number): Verdict {
  if (outcome.type === 'timeout') return refused(500, 'The authorizer did not answer in time.');
  if (outcome.type === 'error') {
    // Only this exact error text of an authorizer means 401 (rows 4.4, 4.7).
    return refused(
      outcome.errorMessage === 'Unauthorized' ? 401 : 500,
      outcome.reason ?? `${outcome.errorType}: ${outcome.errorMessage}`,
    );
  }
  const { payload, reason } = outcome;
  if (typeof payload !== 'object' || payload === null) return unusable('it is not an object');
  if (Buffer.byteLength(JSON.stringify(payload)) > MAX_RESULT_BYTES) {
    return unusable('it is larger than 8 KB');
  }
  const { principalId, policyDocument, context = {}, ...rest } = payload as Record<string, unknown>;
  if (typeof principalId !== 'string') return unusable('it has no "principalId"');
  const values = contextValues(context);
  if (!values)
    return unusable('its "context" has a value that is not a string, a number or a boolean');
  const { methodArn, headers, requestContext } = event;
  const decision = evaluatePolicy(policyDocument, {
    action: 'execute-api:Invoke',
    resource: methodArn,
    keys: apiGatewayKeys({
      now,
      sourceIp: requestContext.identity.sourceIp,
      userAgent: requestContext.identity.userAgent,
      referer: headerIn(headers, 'referer'),
    }),
  });
  if (typeof decision === 'object') return unusable(decision.problem);
  if (resourcesOf(policyDocument).some((text) => text.length > MAX_RESOURCE_LENGTH)) {
    return unusable(`its policy has a resource of more than ${MAX_RESOURCE_LENGTH} characters`);
  }
  if (decision === 'deny') {
    return refused(403, reason ?? `The policy does not allow "${methodArn}".`);
  }
  const key = rest['usageIdentifierKey'];
  return {
    isAllowed: true,
    values: { ...values, principalId },
    usageIdentifierKey: typeof key === 'string' ? key : undefined,
  };
}

function headerIn(
  headers: Readonly<Record<string, string>>,
  lowerCaseName: string,
): string | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === lowerCaseName)?.[1];
}

function unusable(problem: string): Verdict {
  return refused(500, `The result of the authorizer cannot be used: ${problem}.`);
}

function refused(status: 401 | 403 | 500, detail: string): Verdict {
  return { isAllowed: false, status, detail };
}

/** The values as strings, without `null` (row 4.10); `undefined` if a value has another type. */
function contextValues(context: unknown): Record<string, string> | undefined {
  if (typeof context !== 'object' || Array.isArray(context)) return undefined;
  const entries = Object.entries(context ?? {}).filter(([, value]) => value !== null);
  if (entries.some(([, value]) => typeof value === 'object')) return undefined;
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

function describe(verdict: Verdict): Pick<GatewayEvent, 'result' | 'detail'> {
  if (verdict.isAllowed) return { result: 'ok', detail: 'allowed' };
  return { result: verdict.status === 500 ? 'failed' : 'refused', detail: verdict.detail };
}
