import type { Api } from '../api.js';
import type { ServedDeployment, ServedRoute } from '../deployment.js';
import { invoke, invokeProxy, type ProxyOutcome } from './invoke.js';

/** What the factories of events make. */
interface RouteEvent {
  readonly requestContext: object;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
}

/** An event on its way to an integration. */
export interface Integrated {
  readonly route: ServedRoute;
  readonly event: RouteEvent;
  /** Kills the execution environment that runs the event. */
  readonly kill?: AbortSignal | undefined;
}

/**
 * Hands an event to what stands behind its route and reads the answer. Never rejects.
 *
 * The invocation starts before this function first waits.
 */
export async function integrate(
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
  const { stageVariables } = api.facts;
  const outcome = await nonProxy({
    facts: { context, stageVariables, body, headers, queryStringParameters },
    needsResponse: twoWay || routeKey === '$connect',
    invoke: (payload) => invoke(lambda, payload, { timeoutMs, kill }),
  });
  // A function that failed has not accepted the connection, whatever response was made of it.
  return routeKey === '$connect' && outcome.type === 'response' && outcome.failure !== undefined
    ? { type: 'failed', detail: outcome.failure }
    : outcome;
}
