/**
 * The `@connections` API through the AWS SDK, for apps that need the SDK's features.
 *
 * @module @gatecast/framework/aws-gateway
 */
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { readEndpoint } from './deliver/apigw/endpoint.js';
import type { Gateway, PostOutcome } from './deliver/gateway.js';
import { makeError } from './errors/gatecast-error.js';
import { type TimeLimit, timeLeftMs } from './time/time-limit.js';

const REQUEST_TIMEOUT_MS = 3_000;
const MOST_SOCKETS = 128;

/**
 * The `@connections` API through the AWS SDK: pass it to `createApp({ gateway })` if you need the SDK's
 * credentials or middleware. A post takes about ten times as much CPU time as with Gatecast's own client.
 *
 * @param endpoint - URL of the stage: `https://{api-id}.execute-api.{region}.amazonaws.com/{stage}`.
 *
 * @throws ConfigurationError - ERR_ENDPOINT_INVALID, ERR_REGION_UNKNOWN.
 */
export function awsGateway(endpoint: string): Gateway {
  const { url, region } = readEndpoint(endpoint);
  const agent = { maxSockets: MOST_SOCKETS, keepAlive: true };
  const client = new ApiGatewayManagementApiClient({
    endpoint: url,
    region,
    // Gatecast retries itself: only it knows whether an event is worth a retry and how much time is left.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  const attempt = async (
    request: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
    limit: TimeLimit,
  ): Promise<PostOutcome> => {
    const { signal } = limit;
    const leftMs = Math.min(REQUEST_TIMEOUT_MS, timeLeftMs(limit));
    if (leftMs === 0) return toOutcome(new DOMException('', 'TimeoutError'), url);
    const timeOut = AbortSignal.timeout(Math.ceil(leftMs));
    try {
      await request({ abortSignal: signal ? AbortSignal.any([signal, timeOut]) : timeOut });
      return { result: 'delivered' };
    } catch (error) {
      return toOutcome(error, url);
    }
  };
  return {
    post: (ConnectionId, Data, limit = {}) =>
      attempt(
        (options) => client.send(new PostToConnectionCommand({ ConnectionId, Data }), options),
        limit,
      ),
    disconnect: (ConnectionId, limit = {}) =>
      attempt(
        (options) => client.send(new DeleteConnectionCommand({ ConnectionId }), options),
        limit,
      ),
  };
}

// Only the name of an error is passed on, because the message about a refused signature contains the
// session token.
function toOutcome(error: unknown, endpoint: string): PostOutcome {
  const { name, code, $metadata } = error as Error & {
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status === 410 || name === 'GoneException') return { result: 'gone' };
  if (status === 429) {
    return { result: 'throttled', error: makeError('ERR_DELIVERY_THROTTLED', { endpoint }) };
  }
  if (status === 403) {
    return {
      result: 'refused',
      error: makeError('ERR_DELIVERY_FORBIDDEN', { endpoint, reason: name }),
    };
  }
  if (name === 'CredentialsProviderError') {
    const problem = 'the AWS SDK found no credentials';
    return {
      result: 'refused',
      error: makeError('ERR_DELIVERY_CREDENTIALS', { endpoint, problem }),
    };
  }
  const reason = status === undefined ? (code ?? name) : `${name} (${status})`;
  const result = status === undefined || status >= 500 ? 'retry' : 'failed';
  return { result, error: makeError('ERR_DELIVERY_FAILED', { endpoint, reason }) };
}
