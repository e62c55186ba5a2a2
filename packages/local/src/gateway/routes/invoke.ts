import { randomUUID } from 'node:crypto';
import type { GatewayEvent } from '../events.js';
import type { InvocationResult, LambdaFunction } from '../lambda-function.js';
import type { ProxyResponse } from './proxy.js';

/** The outcome of an invocation for the gateway, which may stop waiting. */
export type Outcome = InvocationResult | { readonly type: 'timeout' };

/** The outcome of an integration. All kinds of integrations lead to a proxy response. */
export type ProxyOutcome =
  | {
      readonly type: 'response';
      readonly response: ProxyResponse;
      readonly coldStartMs?: number | undefined;
      /** The failure of the function or service that the response was made from. @default none */
      readonly failure?: string | undefined;
      /** As in `InvocationResult`. */
      readonly refusedPost?: string | undefined;
      /** The service that answered, with its operation. @default a function or a mock */
      readonly service?: string | undefined;
    }
  | {
      readonly type: 'failed';
      readonly detail: string;
      readonly coldStartMs?: number | undefined;
      /** The status of API Gateway for this failure. @default 502 */
      readonly status?: number;
    }
  | {
      readonly type: 'timeout';
      /** The service that did not answer in time, with its operation. @default the function */
      readonly service?: string;
    };

/** Options of an invocation. */
export interface InvokeOptions {
  readonly timeoutMs: number;
  /** Kills the execution environment. */
  readonly kill?: AbortSignal | undefined;
}

/**
 * Starts an invocation at once and waits for its result, but at most `timeoutMs`. The function keeps
 * running after that (row 5.8). Never rejects.
 */
export async function invoke(
  lambda: LambdaFunction,
  event: object,
  { timeoutMs, kill }: InvokeOptions,
): Promise<Outcome> {
  return await inTime(start(lambda, event, kill), timeoutMs);
}

/** Waits for an integration, but at most `timeoutMs`. */
export async function inTime<T>(
  answer: Promise<T>,
  timeoutMs: number,
): Promise<T | { readonly type: 'timeout' }> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<{ readonly type: 'timeout' }>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, { type: 'timeout' });
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function start(
  lambda: LambdaFunction,
  event: object,
  kill: AbortSignal | undefined,
): Promise<Outcome> {
  try {
    return await lambda.invoke(event, { requestId: randomUUID(), kill });
  } catch (error) {
    return { type: 'error', errorType: 'Runtime.Unknown', errorMessage: String(error) };
  }
}

/** The part of a report about the start of an environment, if an event had to wait for it. */
export function coldStartOf(
  outcome: Outcome | ProxyOutcome | undefined,
): Pick<GatewayEvent, 'coldStartMs'> {
  if (!outcome || outcome.type === 'timeout' || outcome.coldStartMs === undefined) return {};
  return { coldStartMs: outcome.coldStartMs };
}

/**
 * Describes the outcome for the gateway's report. A status of 400 or more has no effect on a message (row
 * 5.4), but if nobody gets the answer of a one-way route, it is the only sign of a failure.
 */
export function describe(
  outcome: ProxyOutcome,
  { isOneWay = false }: { readonly isOneWay?: boolean } = {},
): Pick<GatewayEvent, 'result' | 'detail' | 'coldStartMs'> {
  if (outcome.type === 'timeout') {
    const { service = 'The function' } = outcome;
    return { result: 'timed out', detail: `${service} did not answer in time.` };
  }
  const cold = coldStartOf(outcome);
  if (outcome.type === 'failed') return { result: 'failed', detail: outcome.detail, ...cold };
  if (outcome.failure !== undefined) return { result: 'failed', detail: outcome.failure, ...cold };
  const result = isOneWay && outcome.response.statusCode >= 400 ? 'failed' : 'ok';
  return { result, detail: statusText(outcome, isOneWay), ...cold };
}

/** The status; if it is that of an error, with what explains it. Never the body, which may be secret. */
function statusText(
  { response, refusedPost, service }: Extract<ProxyOutcome, { type: 'response' }>,
  isOneWay: boolean,
): string {
  const { statusCode } = response;
  if (service !== undefined) return `${statusCode} of ${service}`;
  if (statusCode < 400) return String(statusCode);
  const parts = [
    isOneWay && 'the client does not get this answer',
    refusedPost !== undefined && `@connections answered ${refusedPost}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? String(statusCode) : `${statusCode}: ${parts.join('; ')}`;
}
