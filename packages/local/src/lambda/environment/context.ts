import type { InvokeRequest } from './ipc.js';

/** The second argument of a handler (AWS: "Using the Lambda context object for Node.js"). */
export interface LambdaContext {
  callbackWaitsForEmptyEventLoop: boolean;
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  getRemainingTimeInMillis(): number;
}

/** Makes the context of one invocation. Constant parts come from Lambda's environment variables. */
export function lambdaContext({ requestId, functionArn, timeoutMs }: InvokeRequest): LambdaContext {
  const deadlineMs = Date.now() + timeoutMs;
  return {
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: requestId,
    functionName: variable('AWS_LAMBDA_FUNCTION_NAME'),
    functionVersion: variable('AWS_LAMBDA_FUNCTION_VERSION'),
    invokedFunctionArn: functionArn,
    memoryLimitInMB: variable('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
    logGroupName: variable('AWS_LAMBDA_LOG_GROUP_NAME'),
    logStreamName: variable('AWS_LAMBDA_LOG_STREAM_NAME'),
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

/** How an invocation ends. */
interface Ending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The methods of the context that end an invocation at once. Lambda has them up to Node 22, but not on
 * Node 24 (AWS: "Using the Lambda context object for Node.js").
 */
export function endingMethods({ resolve, reject }: Ending): object {
  if (Number.parseInt(process.versions.node, 10) >= 24) return {};
  return {
    succeed: resolve,
    fail: reject,
    done(error?: unknown, value?: unknown) {
      if (error === undefined || error === null) resolve(value);
      else reject(error);
    },
  };
}

function variable(name: string): string {
  return process.env[name] ?? '';
}
