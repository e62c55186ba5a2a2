import type { LambdaFunction } from '../lambda-function.js';
import { type InvokeOptions, invoke, type ProxyOutcome } from './invoke.js';

/** The result of a function behind a Lambda proxy integration. */
export interface ProxyResponse {
  readonly statusCode: number;
  /** Headers by names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | undefined;
  /** @default false */
  readonly isBase64Encoded?: boolean;
}

const knownKeys = new Set([
  'statusCode',
  'headers',
  'multiValueHeaders',
  'body',
  'isBase64Encoded',
]);

/** Like `invoke`, and reads the result as that of a proxy integration. */
export async function invokeProxy(
  lambda: LambdaFunction,
  event: object,
  options: InvokeOptions,
): Promise<ProxyOutcome> {
  const outcome = await invoke(lambda, event, options);
  if (outcome.type === 'timeout') return outcome;
  const { coldStartMs } = outcome;
  if (outcome.type === 'error') {
    const detail = `${outcome.errorType}: ${outcome.errorMessage}`;
    return { type: 'failed', detail, coldStartMs };
  }
  const response = readProxyResponse(outcome.payload);
  if ('problem' in response) {
    const detail = `The result is not a proxy response: ${response.problem}.`;
    return { type: 'failed', detail, coldStartMs };
  }
  return { type: 'response', response, coldStartMs, refusedPost: outcome.refusedPost };
}

/**
 * Reads the result of a function like API Gateway (row 5.6): only the keys of a proxy response are
 * allowed. A result that is not an object or has no status is also refused, so that a forgotten
 * `statusCode` is noticed locally.
 */
function readProxyResponse(payload: unknown): ProxyResponse | { readonly problem: string } {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    return { problem: `it is ${kindOf(payload)}, not an object with "statusCode"` };
  }
  const unknownKey = Object.keys(payload).find((key) => !knownKeys.has(key));
  if (unknownKey !== undefined) return { problem: `it has the unknown key "${unknownKey}"` };

  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = payload as Record<
    string,
    unknown
  >;
  const status = typeof statusCode === 'string' ? Number(statusCode) : statusCode;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
    return { problem: 'its "statusCode" is not a whole number from 200 to 599' };
  }
  if (body !== undefined && body !== null && typeof body !== 'string') {
    return { problem: `its "body" is ${kindOf(body)}, not a string` };
  }
  return {
    statusCode: status,
    headers: joinedHeaders(multiValueHeaders, headers),
    body: body ?? undefined,
    isBase64Encoded: isBase64Encoded === true,
  };
}

/**
 * Both kinds of headers in one, each value once (Lambda proxy integrations of REST APIs: what is in both
 * counts once).
 */
function joinedHeaders(...kinds: readonly unknown[]): ReadonlyMap<string, string> {
  const values = new Map<string, Set<string>>();
  for (const headers of kinds) {
    for (const [name, value] of Object.entries(headers ?? {})) {
      const texts = [value].flat().filter((text): text is string => typeof text === 'string');
      const key = name.toLowerCase();
      if (texts.length > 0) values.set(key, new Set([...(values.get(key) ?? []), ...texts]));
    }
  }
  return new Map([...values].map(([name, texts]) => [name, [...texts].join(', ')]));
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
