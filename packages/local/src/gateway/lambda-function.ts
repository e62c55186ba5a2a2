import type { LambdaPermission } from '../iam/lambda-permission.js';

/**
 * A Lambda function as API Gateway sees it: it takes an event and returns a result.
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
 * @group A gateway of your own
 */
export interface LambdaFunction {
  /** Runs one invocation. Never rejects: a failure of the function is a result of the type `error`. */
  invoke(event: object, invocation: Invocation): Promise<InvocationResult>;
  /** Its ARN, with the alias or version that is invoked. Needed for an integration with `credentials`. */
  readonly arn?: string | undefined;
  /** Who may invoke it, according to its resource-based policy. @default everybody */
  readonly invokePermissions?: readonly LambdaPermission[] | undefined;
}

/** Options of an invocation. @group A gateway of your own */
export interface Invocation {
  readonly requestId: string;
  /** Kills the execution environment of the invocation, for a fault. A function may ignore it. */
  readonly kill?: AbortSignal | undefined;
}

/**
 * The outcome of an invocation. `coldStartMs` is the time that an execution environment took to start, in
 * milliseconds, if the invocation had to wait for one.
 *
 * @group A gateway of your own
 */
export type InvocationResult =
  | {
      readonly type: 'response';
      /**
       * The return value of the handler after a round trip through JSON; `null` if it returned nothing.
       */
      readonly payload: unknown;
      /**
       * The answer to the invocation's last request to `@connections` that was refused, such as
       * `403 ForbiddenException`. @default unknown
       */
      readonly refusedPost?: string | undefined;
      readonly coldStartMs?: number | undefined;
      /** Why the authorizer of a Gatecast app has refused; clients never see it. */
      readonly reason?: string | undefined;
    }
  | {
      /** The handler threw, the process ended, or the function timed out. */
      readonly type: 'error';
      /** Lambda's name for it: the error's class, `Runtime.ExitError`, `Sandbox.Timedout`. */
      readonly errorType: string;
      readonly errorMessage: string;
      readonly coldStartMs?: number | undefined;
      /** Why the authorizer of a Gatecast app has refused; clients never see it. */
      readonly reason?: string | undefined;
    };
