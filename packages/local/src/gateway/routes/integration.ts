import type { Api } from '../api.js';
import type { ServedDeployment, ServedRoute } from '../deployment.js';
import { invoke, type ProxyOutcome } from './invoke.js';
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
  const lambda = route.function ?? handler;
  const timeoutMs = route.timeoutMs ?? api.integrationTimeoutMs;
  if (!nonProxy) return invokeProxy(lambda, event, { timeoutMs, kill });

  const { requestContext: context, body = '', headers, queryStringParameters } = event;
  const { stageVariables } = api.details;
  let coldStartMs: number | undefined;
  const outcome = await nonProxy({
    templateInput: { context, stageVariables, body, headers, queryStringParameters },
    needsResponse: twoWay || routeKey === '$connect',
    invoke: async (payload) => {
      const invoked = await invoke(lambda, payload, { timeoutMs, kill });
      if (invoked.type !== 'timeout') ({ coldStartMs } = invoked);
      return invoked;
    },
  });
  if (outcome.type === 'timeout') return outcome;
  // If the function failed, the connection is not accepted, even if an integration response matches.
  return routeKey === '$connect' && outcome.type === 'response' && outcome.failure !== undefined
    ? { type: 'failed', detail: outcome.failure, coldStartMs }
    : { ...outcome, coldStartMs };
}
