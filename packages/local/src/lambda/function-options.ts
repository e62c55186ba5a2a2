import type { PolicyDocument } from '../access/policy.js';

/** One Lambda function that the local gateway runs. */
export interface FunctionOptions {
  /** The source file that exports the handler, from the current folder. TypeScript or JavaScript. */
  readonly entry: string;
  /** Name of the export. @default 'handler' */
  readonly handler?: string | undefined;
  /**
   * Environment variables, over those that Lambda sets and those of this process. The ones that
   * lead to an AWS account, such as `AWS_PROFILE`, a function gets only from here.
   *
   * @default none
   */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** What the function may do, as the policy of its role says it. @default everything */
  readonly permissions?: PolicyDocument | undefined;
  /** How long one invocation may take, in milliseconds. @default 29_000 */
  readonly timeoutMs?: number | undefined;
  /** Memory of one environment, in MB; bounds its JavaScript heap. @default 1024 */
  readonly memoryMb?: number | undefined;
  /**
   * How many invocations may run at once, each in a process of its own. Always 1 for an app whose
   * store is memory.
   *
   * @default 10; 1 with `inspect`
   */
  readonly maxEnvironments?: number | undefined;
  /** What the function prints goes nowhere, for a test that makes it fail. @default false */
  readonly quiet?: boolean | undefined;
  /**
   * Where a debugger may attach: a port or `host:port` (`node --inspect`). A time-out would end a
   * function that stands at a breakpoint, so there is none then unless `timeoutMs` says so.
   *
   * @default nowhere
   */
  readonly inspect?: string | undefined;
}
