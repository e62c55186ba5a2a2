import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { POSTS_IN_FLIGHT } from './deliver/deliver.js';
import type { Gateway, PostOutcome } from './deliver/gateway.js';
import { makeError } from './errors/gatecast-error.js';

const REQUEST_TIMEOUT_MS = 3_000;

/** The `@connections` API through the AWS SDK. */
export function awsGateway(endpoint: string): Gateway {
  const agent = { maxSockets: POSTS_IN_FLIGHT, keepAlive: true };
  const client = new ApiGatewayManagementApiClient({
    endpoint,
    region: process.env.AWS_REGION ?? /execute-api\.([\w-]+)\./.exec(endpoint)?.[1] ?? 'us-east-1',
    // Retries are ours: only we know whether an event is worth one and how much time is left.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  const attempt = async (request: () => Promise<unknown>): Promise<PostOutcome> => {
    try {
      await request();
      return { result: 'delivered' };
    } catch (error) {
      return toOutcome(error, endpoint);
    }
  };
  return {
    post: (ConnectionId, Data) =>
      attempt(() => client.send(new PostToConnectionCommand({ ConnectionId, Data }))),
    disconnect: (ConnectionId) =>
      attempt(() => client.send(new DeleteConnectionCommand({ ConnectionId }))),
  };
}

function toOutcome(error: unknown, endpoint: string): PostOutcome {
  const { name, message, $metadata } = error as Error & {
    $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status === 410 || name === 'GoneException') return { result: 'gone' };
  if (status === 429) {
    return { result: 'throttled', error: makeError('ERR_DELIVERY_THROTTLED', { endpoint }, error) };
  }
  const reason = status === undefined ? message : `${name} (${status})`;
  if (status === 403) {
    return {
      result: 'refused',
      error: makeError('ERR_DELIVERY_FORBIDDEN', { endpoint, reason }, error),
    };
  }
  const result = status === undefined || status >= 500 ? 'retry' : 'failed';
  return { result, error: makeError('ERR_DELIVERY_FAILED', { endpoint, reason }, error) };
}
