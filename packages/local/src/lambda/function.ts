import { basename, extname, relative } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import {
  MAX_TIMER_MS,
  type OptionType,
  type OptionTypes,
  option,
  partitionOf,
} from '@gatecast/framework/adapter';
import type { PolicyDocument } from '../iam/policy-document.js';
import type { Role } from '../iam/role.js';
import { lambdaVariables } from './environment/variables.js';
import type { InvokePermission } from './invoke-permission.js';

/** One Lambda function that the local gateway runs. @group Start here */
export interface FunctionOptions {
  /**
   * The source file that exports the handler, in TypeScript or JavaScript, relative to the current
   * folder.
   */
  readonly entry: string;
  /** Name of the export. @default 'handler' */
  readonly handler?: string | undefined;
  /**
   * Folder of code that is built already, such as an asset of the CDK; `entry` is a file in it. It runs as
   * it is, from a copy outside of the project, and finds the AWS SDK, which Lambda brings, in the packages
   * of the project. It is not bundled, and changes are not watched.
   *
   * @default none: `entry` is a source file, which is bundled
   */
  readonly asset?: string | undefined;
  /**
   * Environment variables. They override those that Lambda sets and those of this process. Variables that
   * give access to an AWS account, such as `AWS_PROFILE`, are not inherited: set them here.
   *
   * @default none
   */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /**
   * The IAM policy of the function's role, or the role, for its calls of `@connections`, DynamoDB and SQS.
   *
   * @default everything is allowed
   */
  readonly permissions?: PolicyDocument | Role | undefined;
  /**
   * Its resource-based policy: who may invoke it, as `AWS::Lambda::Permission` says. Without a fitting one,
   * API Gateway does not invoke it, unless the integration or the authorizer has `credentials`.
   *
   * @default everybody may invoke it
   */
  readonly invokePermissions?: readonly InvokePermission[] | undefined;
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
  asset: option.text,
  environment: option.object,
  permissions: option.object,
  invokePermissions: option.list,
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
  /** The current folder of its processes. @default that of this process */
  readonly currentFolder?: string | undefined;
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
  /** The APIs whose names on AWS lead to the gateway. @default none */
  readonly apis?: LocalApis | undefined;
}

/** An API of the local gateway. */
export interface NamedApi {
  readonly apiId: string;
  /** The gateway's endpoint. */
  readonly endpoint: string;
}

/** All APIs of the local gateway, for a function that knows them by their names on AWS. */
export interface LocalApis {
  readonly known: readonly NamedApi[];
  /** Called when the function connects to the host of another API, for each process and host. */
  readonly onOtherApi: (host: string) => void;
}

/** What a function's configuration depends on, besides its options. */
export interface FunctionSurroundings {
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
  /** Folder of its code. */
  readonly directory: string;
  /** Variables that its own ones may override. @default none */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  readonly manifest?: RouteManifest | undefined;
  readonly apis?: LocalApis | undefined;
}

/** The ARN of a function. Stacks of an assembly may be for several accounts, whose roles say which. */
export function functionArnOf(
  options: Pick<FunctionOptions, 'environment' | 'permissions'>,
  surroundings: Pick<FunctionSurroundings, 'name' | 'region' | 'accountId'>,
): string {
  const { permissions } = options;
  const [, accountId] = (permissions !== undefined && 'arn' in permissions
    ? /^arn:[^:]+:iam::(\d+):/.exec(permissions.arn)
    : undefined) ?? [undefined, surroundings.accountId];
  const region = regionOf(options, surroundings);
  return `arn:${partitionOf(region).name}:lambda:${region}:${accountId}:function:${surroundings.name}`;
}

/** Stacks of an assembly may be for several Regions. */
function regionOf(
  { environment }: Pick<FunctionOptions, 'environment'>,
  { region }: Pick<FunctionSurroundings, 'region'>,
): string {
  return environment?.['AWS_REGION'] ?? region;
}

/** Completes the options of a function. */
export function configureFunction(
  options: FunctionOptions,
  surroundings: FunctionSurroundings,
): FunctionConfiguration {
  const { name, directory, variables, manifest, apis } = surroundings;
  const { entry, handler = 'handler', asset, memoryMb = 1024, inspect, quiet } = options;
  const { timeoutMs = inspect === undefined ? 29_000 : MAX_TIMER_MS } = options;
  const { maxEnvironments = inspect === undefined ? 10 : 1 } = options;
  const region = regionOf(options, surroundings);
  const path = asset === undefined ? basename(entry) : relative(asset, entry);
  const moduleName = path.slice(0, path.length - extname(path).length).replaceAll('\\', '/');
  return {
    name,
    functionArn: functionArnOf(options, surroundings),
    entry,
    handler,
    currentFolder: asset === undefined ? undefined : directory,
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
    apis,
  };
}
