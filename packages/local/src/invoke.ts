import { randomUUID } from 'node:crypto';
import type { GatewayEvent } from './gateway-event.js';
import type { InvocationResult, LambdaFunction } from './lambda-function.js';
import { type ProxyResponse, readProxyResponse } from './proxy-response.js';

/** What came of an invocation as far as the gateway waited for it. */
export type Outcome = InvocationResult | { readonly type: 'timeout' };

/** What came of an integration; a proxy response is what every kind of them comes to. */
export type ProxyOutcome =
  | {
      readonly type: 'response';
      readonly response: ProxyResponse;
      /** How the function failed that this was made of all the same. @default it has not */
      readonly failure?: string | undefined;
    }
  | {
      readonly type: 'failed';
      readonly detail: string;
      /** What API Gateway calls this. @default 502 */
      readonly status?: number;
    }
  | { readonly type: 'timeout' };

/**
 * Starts an invocation at once and waits for its result, but no longer than `timeoutMs`. The
 * function goes on running after that (row 5.8). Never rejects.
 */
export async function invoke(
  lambda: LambdaFunction,
  event: object,
  timeoutMs: number,
): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Outcome>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, { type: 'timeout' });
  });
  try {
    return await Promise.race([start(lambda, event), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Invokes as `invoke` does, and reads the result as that of a proxy integration. */
export async function invokeProxy(
  lambda: LambdaFunction,
  event: object,
  timeoutMs: number,
): Promise<ProxyOutcome> {
  const outcome = await invoke(lambda, event, timeoutMs);
  if (outcome.type === 'timeout') return outcome;
  if (outcome.type === 'error') {
    return { type: 'failed', detail: `${outcome.errorType}: ${outcome.errorMessage}` };
  }
  const response = readProxyResponse(outcome.payload);
  return 'problem' in response
    ? { type: 'failed', detail: `The result is not a proxy response: ${response.problem}.` }
    : { type: 'response', response };
}

async function start(lambda: LambdaFunction, event: object): Promise<Outcome> {
  try {
    return await lambda.invoke(event, { requestId: randomUUID() });
  } catch (error) {
    return { type: 'error', errorType: 'Runtime.Unknown', errorMessage: String(error) };
  }
}

/** The outcome in words, for the gateway's report. */
export function describe(outcome: ProxyOutcome): Pick<GatewayEvent, 'result' | 'detail'> {
  if (outcome.type === 'failed') return { result: 'failed', detail: outcome.detail };
  if (outcome.type === 'timeout') {
    return { result: 'timed out', detail: 'The function did not answer in time.' };
  }
  return outcome.failure === undefined
    ? { result: 'ok', detail: String(outcome.response.statusCode) }
    : { result: 'failed', detail: outcome.failure };
}
