import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gateway } from '../gateway/open-gateway.js';
import {
  configureFunction,
  type FunctionConfiguration,
  type LocalApi,
} from '../lambda/function.js';
import type { PolicyDocument } from '../policy-document.js';
import type { NamedFunction } from './functions.js';

/** The surroundings of the functions behind a gateway. */
export interface GatewaySurroundings {
  readonly gateway: Gateway;
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  readonly accountId: string;
  /** The file from `writeCertificates`. */
  readonly certificateFile: string;
  /** Variables for the embedded DynamoDB, if there is one. */
  readonly storeVariables: Readonly<Record<string, string>>;
}

/** Completes the options of a function behind a gateway, with an access key of its own. */
export function configureForGateway(
  surroundings: GatewaySurroundings,
  { name, options, manifest }: NamedFunction,
  directory: string,
): FunctionConfiguration {
  const { gateway, apiId, region, accountId } = surroundings;
  const variables = gatewayVariables(surroundings, name, options.permissions);
  const api = localApi({ apiId, endpoint: gateway.endpoint }, name);
  return configureFunction(options, {
    name,
    region,
    accountId,
    directory,
    variables,
    manifest,
    api,
  });
}

/** The API of a gateway. A line is printed for each host of another API that the function connects to. */
export function localApi(
  { apiId, endpoint }: Pick<LocalApi, 'apiId' | 'endpoint'>,
  functionName: string,
): LocalApi {
  const known = new Set<string>();
  const onOtherApi = (host: string): void => {
    if (known.has(host)) return;
    known.add(host);
    process.stderr.write(
      `The function "${functionName}" connects to "${host}". That is not the local API, whose id is ` +
        `"${apiId}", so nothing that it posts there arrives here. Use "requestContext.domainName" of ` +
        'the event, or that id.\n',
    );
  };
  return { apiId, endpoint, onOtherApi };
}

/**
 * The variables by which a function reaches the gateway and the embedded DynamoDB, with an access key of
 * its own.
 */
export function gatewayVariables(
  { gateway, apiId, stage, accountId, certificateFile, storeVariables }: GatewaySurroundings,
  roleName: string,
  permissions?: PolicyDocument,
): Readonly<Record<string, string>> {
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
