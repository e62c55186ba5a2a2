import { readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { MAX_TIMER_MS } from '@gatecast/framework/adapter';
import type { Gateway } from '../gateway/open-gateway.js';
import { lambdaVariables } from '../lambda/environment/variables.js';
import type { FunctionSettings } from '../lambda/load.js';
import type { PolicyDocument } from '../policy-document.js';
import type { FunctionDefinition } from './function-definition.js';

/** The surroundings of a function. */
export interface FunctionSurroundings {
  readonly gateway: Gateway;
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  readonly accountId: string;
  /** The file from `writeCertificates`. */
  readonly certificateFile: string;
  /** Folder for its bundles. */
  readonly directory: string;
  /** Variables for the embedded DynamoDB, if there is one. */
  readonly storeVariables: Readonly<Record<string, string>>;
}

/** Determines the settings of a function, with an access key of its own. */
export function functionSettings(
  definition: FunctionDefinition,
  surroundings: FunctionSurroundings,
): FunctionSettings {
  const { gateway, apiId, region, accountId, directory } = surroundings;
  const { name: functionName, entry, environment = {} } = definition;
  const { handler = 'handler', memoryMb = 1024, inspect } = definition;
  const { timeoutMs = inspect === undefined ? 29_000 : MAX_TIMER_MS } = definition;
  const moduleName = basename(entry, extname(entry));
  return {
    entry,
    handler,
    memoryMb,
    timeoutMs,
    inspect,
    quiet: definition.quiet,
    maxEnvironments: definition.maxEnvironments ?? (inspect === undefined ? 10 : 1),
    manifest: definition.manifest,
    functionArn: `arn:aws:lambda:${region}:${accountId}:function:${functionName}`,
    variables: {
      ...lambdaVariables({
        functionName,
        moduleName,
        bundleDirectory: directory,
        handler,
        region,
        memoryMb,
      }),
      ...gatewayVariables(surroundings, functionName, definition.permissions),
      ...atLocalAddress(environment, { apiId, region, endpoint: gateway.endpoint }),
    },
  };
}

/** The API's address in the variables of a template points to AWS, so it is replaced by the local one. */
export function atLocalAddress(
  variables: Readonly<Record<string, string>>,
  { apiId, region, endpoint }: { apiId: string; region: string; endpoint: string },
): Readonly<Record<string, string>> {
  const publicHost = `${apiId}.execute-api.${region}.amazonaws.com`;
  const { host } = new URL(endpoint);
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, value.replaceAll(publicHost, host)]),
  );
}

/**
 * The variables by which a function reaches the gateway and the embedded DynamoDB, with an access key of
 * its own.
 */
export function gatewayVariables(
  surroundings: Omit<FunctionSurroundings, 'directory' | 'region'>,
  roleName: string,
  permissions?: PolicyDocument,
): Readonly<Record<string, string>> {
  const { gateway, apiId, stage, accountId, certificateFile, storeVariables } = surroundings;
  const credential = gateway.credentials.issue(
    `arn:aws:sts::${accountId}:assumed-role/${roleName}/${roleName}`,
    permissions,
  );
  return {
    AWS_ACCESS_KEY_ID: credential.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
    AWS_SESSION_TOKEN: credential.sessionToken ?? '',
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: gateway.endpoint,
    GATECAST_ENDPOINT: gateway.endpoint,
    GATECAST_API_ID: apiId,
    GATECAST_STAGE: stage,
    NODE_EXTRA_CA_CERTS: certificateFile,
    ...storeVariables,
  };
}

/** Node reads only one file of certificates, so the one that the shell trusts is included. */
export async function writeCertificates(certificate: string, directory: string): Promise<string> {
  const shellFile = process.env['NODE_EXTRA_CA_CERTS'];
  const trusted = shellFile === undefined ? '' : await readFile(shellFile, 'utf8').catch(() => '');
  const file = join(directory, 'certificates.pem');
  await writeFile(file, `${trusted}\n${certificate}`);
  return file;
}
