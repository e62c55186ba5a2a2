import type { Api } from './api.js';
import type { ServedDeployment, ServedRoute } from './deployment.js';
import { invokeProxy, type ProxyOutcome } from './invoke.js';

/** An event on its way to an integration. */
export interface Integrated {
  readonly route: ServedRoute;
  readonly event: object;
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
  if (route.integration === 'mock') {
    return {
      type: 'response',
      response: { statusCode: 200, headers: new Map(), body: route.response ?? '' },
    };
  }
  const timeoutMs = route.timeoutMs ?? api.integrationTimeoutMs;
  return invokeProxy(route.function ?? handler, event, { timeoutMs, kill });
}
