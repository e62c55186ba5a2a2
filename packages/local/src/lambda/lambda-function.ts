/**
 * A Lambda function as API Gateway sees it: an event goes in, a result comes out.
 *
 * @example
 * ```ts
 * const echo: LambdaFunction = {
 *   invoke: async (event) => ({
 *     type: 'response',
 *     payload: { statusCode: 200, body: JSON.stringify(event) },
 *   }),
 * };
 * ```
 */
export interface LambdaFunction {
  /** Runs one invocation. Never rejects: a function that fails is an `error` result. */
  invoke(event: object, invocation: Invocation): Promise<InvocationResult>;
}

/** What an invocation is called, and how it may be cut short. */
export interface Invocation {
  readonly requestId: string;
  /** Kills the execution environment that runs it, as a fault does. A function may ignore it. */
  readonly kill?: AbortSignal | undefined;
}

/**
 * What came of an invocation. `coldStartMs` is there when it had to wait for an execution
 * environment to start: how long that took, in milliseconds.
 */
export type InvocationResult =
  | {
      readonly type: 'response';
      /** What the handler returned, after a round trip through JSON; `null` for nothing. */
      readonly payload: unknown;
      readonly coldStartMs?: number | undefined;
    }
  | {
      /** The handler threw, the process ended, or the function's own time-out struck. */
      readonly type: 'error';
      /** As Lambda names it: the error's class, `Runtime.ExitError`, `Sandbox.Timedout`. */
      readonly errorType: string;
      readonly errorMessage: string;
      readonly coldStartMs?: number | undefined;
    };
