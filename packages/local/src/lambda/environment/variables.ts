/** The input for the variables of a function. */
export interface LambdaVariablesOptions {
  readonly functionName: string;
  readonly bundleDirectory: string;
  /** Path of the source file in the code, without its extension. */
  readonly moduleName: string;
  /** Name of the export that handles events. */
  readonly handler: string;
  readonly region: string;
  readonly memoryMb: number;
}

// With these, a local function could access a real AWS account by accident.
const ACCOUNT_VARIABLES = new Set([
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
]);

/**
 * The variables that Lambda sets for every function (AWS: "Defined runtime environment variables"), in
 * addition to those of the shell, except for those that give access to an AWS account.
 */
export function lambdaVariables(options: LambdaVariablesOptions): Record<string, string> {
  const { functionName, moduleName, bundleDirectory, handler, region, memoryMb } = options;
  const [nodeMajor] = process.versions.node.split('.');
  return {
    ...shellVariables(),
    _HANDLER: `${moduleName}.${handler}`,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${nodeMajor}.x`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local/[$LATEST]',
    AWS_REGION: region,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    LAMBDA_TASK_ROOT: bundleDirectory,
    TZ: ':UTC',
  };
}

function shellVariables(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !ACCOUNT_VARIABLES.has(name)) {
      kept[name] = value;
    }
  }
  return kept;
}
