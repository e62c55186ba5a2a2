import { basename, extname } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import {
  MAX_TIMER_MS,
  type OptionType,
  type OptionTypes,
  option,
} from '@gatecast/framework/adapter';
import type { PolicyDocument } from '../policy-document.js';
import { lambdaVariables } from './environment/variables.js';

/** One Lambda function that the local gateway runs. */
export interface FunctionOptions {
  /**
   * The source file that exports the handler, in TypeScript or JavaScript, relative to the current
   * folder.
   */
  readonly entry: string;
  /** Name of the export. @default 'handler' */
  readonly handler?: string | undefined;
  /**
   * Environment variables. They override those that Lambda sets and those of this process. Variables that
   * give access to an AWS account, such as `AWS_PROFILE`, are not inherited: set them here.
   *
   * @default none
   */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** The IAM policy of the function's role. @default everything is allowed */
  readonly permissions?: PolicyDocument | undefined;
  /** How long one invocation may take, in milliseconds. @default 29_000 */
  readonly timeoutMs?: number | undefined;
  /** Memory of one environment, in MB. It limits the JavaScript heap. @default 1024 */
  readonly memoryMb?: number | undefined;
  /**
   * How many invocations may run at once, each in its own process. Always 1 for an app with the memory
   * store.
   *
   * @default 10; 1 with `inspect`
   */
  readonly maxEnvironments?: number | undefined;
  /** Whether to discard the function's output, for tests that make it fail. @default false */
  readonly quiet?: boolean | undefined;
  /**
   * Port or `host:port` for a debugger (`node --inspect`). It turns off the time-out unless `timeoutMs`
   * is set, because a time-out would end a function at a breakpoint.
   *
   * @default none
   */
  readonly inspect?: string | undefined;
}

const debugAddress: OptionType = {
  takes: 'a port from 0 to 65,535, or host:port',
  fits: (value) => /^(?:[\w.-]+:|\[[\da-f:.]+\]:)?\d{1,5}$/i.test(String(value)) && hasPort(value),
};

function hasPort(address: unknown): boolean {
  return Number(/\d+$/.exec(String(address))?.[0]) <= 65_535;
}

/** The values that each option takes. Memory and the number of environments have the limits of Lambda. */
export const functionOptionTypes: OptionTypes<FunctionOptions> = {
  entry: option.text,
  handler: option.text,
  environment: option.object,
  permissions: option.object,
  timeoutMs: option.milliseconds(1),
  memoryMb: option.integer(128, 10_240),
  maxEnvironments: option.integer(1, 1_000),
  quiet: option.flag,
  inspect: debugAddress,
};

/** A function with all its settings, as execution environments run it. */
export interface FunctionConfiguration {
  readonly name: string;
  readonly functionArn: string;
  /** The source file, for messages. */
  readonly entry: string;
  /** Name of the export that handles events. */
  readonly handler: string;
  /** All environment variables of its processes. */
  readonly variables: Readonly<Record<string, string>>;
  /** How long one invocation may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Limit of the JavaScript heap, in MB. */
  readonly memoryMb: number;
  /** Whether stacks show the lines of the sources, which takes memory. @default true */
  readonly hasSourceMaps?: boolean | undefined;
  readonly maxEnvironments: number;
  /** Port or `host:port` for a debugger. @default none */
  readonly inspect?: string | undefined;
  /** Whether to discard the function's output. @default false */
  readonly quiet?: boolean | undefined;
  /** Where the function's standard output goes. @default standard output */
  readonly output?: 'stderr' | undefined;
  /** A manifest that replaces that of the module's app. @default none */
  readonly manifest?: RouteManifest | undefined;
  /** The API whose names on AWS lead to the gateway. @default none */
  readonly api?: LocalApi | undefined;
}

/** The API of the local gateway, for a function that knows it by its name on AWS. */
export interface LocalApi {
  readonly apiId: string;
  /** The gateway's endpoint. */
  readonly endpoint: string;
  /** Called when the function connects to the host of another API, for each process and host. */
  readonly onOtherApi: (host: string) => void;
}

/** What a function's configuration depends on, besides its options. */
export interface FunctionSurroundings {
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
  /** Folder of its bundle. */
  readonly directory: string;
  /** Variables that its own ones may override. @default none */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  readonly manifest?: RouteManifest | undefined;
  readonly api?: LocalApi | undefined;
}

/** Completes the options of a function. */
export function configureFunction(
  options: FunctionOptions,
  { name, region, accountId, directory, variables, manifest, api }: FunctionSurroundings,
): FunctionConfiguration {
  const { entry, handler = 'handler', memoryMb = 1024, inspect, quiet } = options;
  const { timeoutMs = inspect === undefined ? 29_000 : MAX_TIMER_MS } = options;
  const { maxEnvironments = inspect === undefined ? 10 : 1 } = options;
  const moduleName = basename(entry, extname(entry));
  return {
    name,
    functionArn: `arn:aws:lambda:${region}:${accountId}:function:${name}`,
    entry,
    handler,
    variables: {
      ...lambdaVariables({
        functionName: name,
        moduleName,
        bundleDirectory: directory,
        handler,
        region,
        memoryMb,
      }),
      ...variables,
      ...options.environment,
    },
    timeoutMs,
    memoryMb,
    maxEnvironments,
    inspect,
    quiet,
    manifest,
    api,
  };
}
