/** The name that API Gateway gives to an API. */
export interface ExecuteApiHost {
  readonly apiId: string;
  readonly region: string;
}

// The suffixes of the partitions for IPv4 and for dual stack (AWS: "Amazon API Gateway endpoints").
const EXECUTE_API =
  /^(?:([a-z\d]+)\.)?execute-api\.([a-z\d-]+)\.(?:amazonaws\.(?:com|com\.cn|eu)|api\.aws|api\.amazonwebservices\.com\.cn)\.?(?::\d+)?$/;

/**
 * Reads a host such as `abcde12345.execute-api.us-east-1.amazonaws.com`, with or without a port;
 * `undefined` for any other host. The Region is any: a function may have its own written into its code.
 */
export function executeApiHost(host: string | undefined): ExecuteApiHost | undefined {
  const [, apiId, region] = EXECUTE_API.exec(host?.toLowerCase() ?? '') ?? [];
  return apiId === undefined || region === undefined ? undefined : { apiId, region };
}

/** Whether it is such a host, or the one that an AWS SDK uses if it is given no endpoint. */
export function isExecuteApi(host: string | undefined): boolean {
  return EXECUTE_API.test(host?.toLowerCase() ?? '');
}

/** Like `executeApiHost`, only for the hosts of one API. */
export function hostOfApi(apiId: string, host: string | undefined): ExecuteApiHost | undefined {
  const found = executeApiHost(host);
  return found?.apiId === apiId.toLowerCase() ? found : undefined;
}
