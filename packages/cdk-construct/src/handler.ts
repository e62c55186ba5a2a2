import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { mistake } from './mistake';
import type { _ManifestData } from './route-manifest';

/**
 * Settings of the function that the construct makes of `entry`. What exists already (`role`, `logGroup`,
 * `vpc`) is a property of the construct itself.
 */
export interface HandlerOptions {
  /**
   * Name of the export that handles events.
   *
   * @default 'handler'
   */
  readonly exportName?: string;
  /**
   * Environment variables. They win over those of the construct (`GATECAST_…`).
   *
   * @default - none
   */
  readonly environment?: { [name: string]: string };
  /**
   * Memory in MB.
   *
   * @default 1024
   */
  readonly memorySize?: number;
  /**
   * How long one event may take. API Gateway waits at most 29 seconds.
   *
   * @default Duration.seconds(29)
   */
  readonly timeout?: Duration;
  /** @default Runtime.NODEJS_24_X */
  readonly runtime?: lambda.Runtime;
  /** @default Architecture.ARM_64 */
  readonly architecture?: lambda.Architecture;
  /**
   * X-Ray, with its permissions.
   *
   * @default - none
   */
  readonly tracing?: lambda.Tracing;
  /**
   * Changes to how esbuild bundles the app. `esbuildArgs` are merged one by one with those of the
   * construct; `banner` and `inject` are added to them.
   *
   * @default - like `gatecast dev`, and minified; the format is that of the manifest, else CommonJS
   */
  readonly bundling?: nodejs.BundlingOptions;
  /**
   * The lock file of the app's dependencies. The entry has to be in its folder or below.
   *
   * @default - the nearest one above the entry
   */
  readonly depsLockFilePath?: string;
}

interface HandlerProps {
  readonly entry: string;
  readonly options: HandlerOptions;
  readonly manifest?: _ManifestData;
  readonly role: iam.IRole;
  readonly logGroup: logs.ILogGroup;
  readonly environment: { [name: string]: string };
  readonly network: {
    readonly vpc?: ec2.IVpc;
    readonly vpcSubnets?: ec2.SubnetSelection;
    readonly securityGroups?: ec2.ISecurityGroup[];
  };
}

/** What a package manager writes, in the order in which CDK looks for them. */
const LOCK_FILES = ['pnpm-lock.yaml', 'bun.lock', 'bun.lockb', 'yarn.lock', 'package-lock.json'];

// Bundled CommonJS code calls `require`, which an ES module does not have.
const REQUIRE =
  "import { createRequire as __gatecastCreateRequire } from 'node:module';" +
  'const require = __gatecastCreateRequire(import.meta.url);';
const COMMON_JS_NAMES = join(__dirname, '..', 'common-js-names.mjs');

/** @throws Error if the entry or esbuild is missing, or the bundle cannot be made. */
export function newHandler(scope: Construct, props: HandlerProps): lambda.Function {
  const { options, role, logGroup, network } = props;
  const bundling = bundlingOf(props);
  const entry = resolve(props.entry);
  if (!existsSync(entry)) {
    throw mistake(
      scope,
      `the entry "${props.entry}" does not exist: looked for ${entry}.`,
      'Pass the path of the file that exports the handler, absolute or relative to the current directory.',
    );
  }
  const lockFile = options.depsLockFilePath ?? lockFileOf(dirname(entry));
  if (lockFile === undefined) {
    throw mistake(
      scope,
      `there is neither a lock file nor a package.json above the entry "${props.entry}".`,
      `Run npm install in the app's folder, or set handlerOptions.depsLockFilePath.`,
    );
  }
  if (options.bundling?.forceDockerBundling !== true)
    checkEsbuild(scope, dirname(resolve(lockFile)));
  try {
    const handler = new nodejs.NodejsFunction(scope, 'Handler', {
      entry,
      handler: options.exportName ?? 'handler',
      runtime: options.runtime ?? lambda.Runtime.NODEJS_24_X,
      architecture: options.architecture ?? lambda.Architecture.ARM_64,
      memorySize: options.memorySize ?? 1024,
      timeout: options.timeout ?? Duration.seconds(29),
      environment: { ...props.environment, ...options.environment },
      bundling,
      depsLockFilePath: lockFile,
      role,
      logGroup,
      // Metric filters only read fields of lines that are JSON as a whole.
      loggingFormat: lambda.LoggingFormat.JSON,
      ...network,
    });
    if (options.tracing !== undefined) {
      // The function's own property would add its permissions to a role that may be the user's.
      const tracingConfig = { mode: options.tracing };
      Object.assign(handler.node.defaultChild as lambda.CfnFunction, { tracingConfig });
    }
    return handler;
  } catch (error) {
    if (!/Failed to bundle asset/.test((error as Error).message)) throw error;
    throw mistake(
      scope,
      `esbuild could not bundle "${props.entry}"; its messages are above.`,
      (bundling.format === nodejs.OutputFormat.CJS
        ? 'If they are about import.meta, a top-level await or import(), the app needs an ES module: ' +
          'handlerOptions: { bundling: { format: OutputFormat.ESM } }. '
        : '') + `CDK says: ${(error as Error).message}`,
    );
  }
}

/**
 * As `gatecast dev` bundles, but minified. CommonJS starts faster than an ES module, because `import` of
 * `node:http` also loads Node's own fetch.
 */
function bundlingOf({ manifest, options }: HandlerProps): nodejs.BundlingOptions {
  const { bundling = {} } = options;
  const { CJS, ESM } = nodejs.OutputFormat;
  const format = bundling.format ?? (manifest?.format === 'esm' ? ESM : CJS);
  const isEsm = format === ESM;
  return {
    target: 'node20',
    minify: true,
    // Only optional packages that are not there. Lambda's own AWS SDK loads more slowly than a bundled one.
    externalModules: [...(manifest?.external ?? [])],
    mainFields: (manifest?.mainFields ?? 'module,main').split(','),
    ...bundling,
    loader: { '.node': 'copy', ...bundling.loader },
    format,
    ...(isEsm && {
      banner: [bundling.banner, REQUIRE].filter(Boolean).join('\n'),
      inject: [...(bundling.inject ?? []), COMMON_JS_NAMES],
    }),
    esbuildArgs: {
      // A string: CDK drops the value false.
      ...(!isEsm && { '--supported:dynamic-import': 'false' }),
      ...(!isEsm && { '--log-override:empty-import-meta': 'error' }),
      ...(!isEsm && { '--log-override:unsupported-dynamic-import': 'error' }),
      ...bundling.esbuildArgs,
    },
  };
}

/** The nearest lock file, or package.json if there is none, at or above a folder. */
function lockFileOf(start: string): string | undefined {
  return nearest(start, LOCK_FILES) ?? nearest(start, ['package.json']);
}

function nearest(start: string, names: readonly string[]): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).find((file) => existsSync(file));
    if (found !== undefined) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * CDK looks for esbuild beside aws-cdk-lib, else on the PATH, else starts Docker to download one. If it
 * has found it beside aws-cdk-lib, it runs it in the folder of the lock file.
 */
function checkEsbuild(scope: Construct, folder: string): void {
  const cdk = require.resolve('aws-cdk-lib/package.json');
  const lacking = hasEsbuild(cdk)
    ? !hasEsbuild(join(folder, 'package.json')) && `${folder}, where the app's lock file is`
    : !isOnPath() && 'the project of aws-cdk-lib';
  if (lacking === false) return;
  throw mistake(
    scope,
    `esbuild, which bundles the app, is not installed in ${lacking}.`,
    'Install it there (npm install --save-dev esbuild), or, if aws-cdk-lib is not in a Node.js project, for ' +
      'everything: npm install --global esbuild',
  );
}

function hasEsbuild(from: string): boolean {
  try {
    createRequire(from).resolve('esbuild');
    return true;
  } catch {
    return false;
  }
}

function isOnPath(): boolean {
  const shell = process.platform === 'win32';
  return spawnSync('esbuild', ['--version'], { shell }).status === 0;
}
