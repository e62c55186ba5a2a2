import { problemWithInvoke } from '../access/invoke-access.js';
import type { Api } from '../api.js';
import { needsFunction, type ServedDeployment, type ServedRoute } from '../deployment.js';
import type { LambdaFunction } from '../lambda-function.js';
import { invoke, type ProxyOutcome } from './invoke.js';
import { misconfigured } from './non-proxy/backends.js';
import { invokeProxy } from './proxy.js';

/** The result of a factory of events. */
interface RouteEvent {
  readonly requestContext: object;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
}

/** An event for an integration. */
export interface Integrated {
  readonly route: ServedRoute;
  readonly event: RouteEvent;
  /** Kills the execution environment that runs the event. */
  readonly kill?: AbortSignal | undefined;
}

/**
 * Passes an event to the integration of its route and reads the answer. Never rejects: even a function in
 * this process that breaks its interface only fails.
 *
 * The invocation starts before the first `await`.
 */
export async function integrate(
  api: Api,
  deployment: ServedDeployment,
  integrated: Integrated,
): Promise<ProxyOutcome> {
  try {
    return await askIntegration(api, deployment, integrated);
  } catch (error) {
    return { type: 'failed', detail: `The integration failed: ${String(error)}` };
  }
}

async function askIntegration(
  api: Api,
  { handler }: ServedDeployment,
  { route, event, kill }: Integrated,
): Promise<ProxyOutcome> {
  const { routeKey, twoWay = false, nonProxy } = route;
  if (route.integration === 'mock') {
    return {
      type: 'response',
      response: { statusCode: 200, headers: new Map(), body: route.response ?? '' },
    };
  }
  // checkDeployment refuses a route without the function that it calls.
  const lambda = (route.function ?? handler) as LambdaFunction;
  const timeoutMs = route.timeoutMs ?? api.integrationTimeoutMs;
  const credentials =
    typeof route.integration === 'object' ? route.integration.credentials : undefined;
  if (needsFunction(route)) {
    const source = `${api.details.stage}/${routeKey}`;
    const problem = problemWithInvoke(api, { lambda, credentials, source });
    if (problem !== undefined) return misconfigured(problem);
  }
  if (!nonProxy) return invokeProxy(lambda, event, { timeoutMs, kill });

  const { requestContext: context, body = '', headers, queryStringParameters } = event;
  const { stageVariables } = api.details;
  let coldStartMs: number | undefined;
  const outcome = await nonProxy({
    templateInput: { context, stageVariables, body, headers, queryStringParameters },
    needsResponse: twoWay || routeKey === '$connect',
    timeoutMs,
    invoke: async (payload) => {
      const invoked = await invoke(lambda, payload, { timeoutMs, kill });
      if (invoked.type !== 'timeout') ({ coldStartMs } = invoked);
      return invoked;
    },
  });
  if (outcome.type === 'timeout') return outcome;
  const isFailedConnect =
    routeKey === '$connect' && outcome.type === 'response' && outcome.failure !== undefined;
  if (!isFailedConnect) return { ...outcome, coldStartMs };
  // Whether an integration response that matches a failure lets the client in is not known (row 8.18).
  return api.quirks.failedConnects === 'accept'
    ? { ...outcome, coldStartMs, response: { ...outcome.response, statusCode: 200 } }
    : { type: 'failed', detail: outcome.failure, coldStartMs };
}
