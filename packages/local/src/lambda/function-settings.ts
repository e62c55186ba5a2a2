import { readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { MAX_TIMER_MS } from '@gatecast/framework/adapter';
import type { Gateway } from '../gateway/open-gateway.js';
import { lambdaVariables } from './environment/variables.js';
import type { FunctionDefinition } from './function-definition.js';
import type { FunctionSettings } from './load.js';

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
  const { gateway, apiId, stage, region, accountId, certificateFile, directory } = surroundings;
  const { name: functionName, entry, environment = {} } = definition;
  const { handler = 'handler', memoryMb = 1024, inspect } = definition;
  const { timeoutMs = inspect === undefined ? 29_000 : MAX_TIMER_MS } = definition;
  const moduleName = basename(entry, extname(entry));
  const credential = gateway.credentials.issue(
    `arn:aws:sts::${accountId}:assumed-role/${functionName}/${functionName}`,
    definition.permissions,
  );
  return {
    entry,
    handler,
    memoryMb,
    timeoutMs,
    inspect,
    quiet: definition.quiet,
    maxEnvironments: definition.maxEnvironments ?? (inspect === undefined ? 10 : 1),
    manifest: definition.manifest,
    api: { apiId, endpoint: gateway.endpoint, onOtherApi: otherApiWarning(functionName, apiId) },
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
      AWS_ACCESS_KEY_ID: credential.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
      AWS_SESSION_TOKEN: credential.sessionToken ?? '',
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: gateway.endpoint,
      GATECAST_ENDPOINT: gateway.endpoint,
      GATECAST_API_ID: apiId,
      GATECAST_STAGE: stage,
      NODE_EXTRA_CA_CERTS: certificateFile,
      ...surroundings.storeVariables,
      ...environment,
    },
  };
}

/** Prints a line for each host of another API, however many processes connect to it. */
function otherApiWarning(functionName: string, apiId: string): (host: string) => void {
  const known = new Set<string>();
  return (host) => {
    if (known.has(host)) return;
    known.add(host);
    process.stderr.write(
      `The function "${functionName}" connects to "${host}". That is not the local API, whose id is ` +
        `"${apiId}", so nothing that it posts there arrives here. Use "requestContext.domainName" of ` +
        'the event, or that id.\n',
    );
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
