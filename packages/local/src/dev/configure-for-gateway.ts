import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gateway } from '../gateway/open-gateway.js';
import { configureFunction, type FunctionConfiguration } from '../lambda/function.js';
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
  { gateway, apiId, stage, region, accountId, ...surroundings }: GatewaySurroundings,
  { name, options, manifest }: NamedFunction,
  directory: string,
): FunctionConfiguration {
  const credential = gateway.credentials.issue(
    `arn:aws:sts::${accountId}:assumed-role/${name}/${name}`,
    options.permissions,
  );
  // The API's address in a template points to AWS, so it is replaced by the local one.
  const publicHost = `${apiId}.execute-api.${region}.amazonaws.com`;
  const local = (value: string): string =>
    value.replaceAll(publicHost, new URL(gateway.endpoint).host);
  const environment = Object.fromEntries(
    Object.entries(options.environment ?? {}).map(([key, value]) => [key, local(value)]),
  );
  const variables = {
    AWS_ACCESS_KEY_ID: credential.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
    AWS_SESSION_TOKEN: credential.sessionToken ?? '',
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: gateway.endpoint,
    GATECAST_ENDPOINT: gateway.endpoint,
    GATECAST_API_ID: apiId,
    GATECAST_STAGE: stage,
    NODE_EXTRA_CA_CERTS: surroundings.certificateFile,
    ...surroundings.storeVariables,
  };
  return configureFunction(
    { ...options, environment },
    { name, region, accountId, directory, variables, manifest },
  );
}

/** Node reads only one file of certificates, so the one that the shell trusts is included. */
export async function writeCertificates(certificate: string, directory: string): Promise<string> {
  const shellFile = process.env['NODE_EXTRA_CA_CERTS'];
  const trusted = shellFile === undefined ? '' : await readFile(shellFile, 'utf8').catch(() => '');
  const file = join(directory, 'certificates.pem');
  await writeFile(file, `${trusted}\n${certificate}`);
  return file;
}
