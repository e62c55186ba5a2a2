import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partitionOf } from '@gatecast/framework/adapter';
import type { Credential, Credentials } from '../gateway/access/credentials.js';
import type { StoppableGateway } from '../gateway/open-gateway.js';
import type { PolicyDocument } from '../iam/policy-document.js';
import { type Role, sessionOf } from '../iam/role.js';
import {
  configureFunction,
  type FunctionConfiguration,
  type LocalApis,
  type NamedApi,
} from '../lambda/function.js';
import type { NamedFunction } from './functions.js';
import type { Recorder } from './recorder/recorder.js';
import { throughRecorder } from './recorder/through-recorder.js';

/** An API that runs. */
export interface ServedApi {
  readonly gateway: StoppableGateway;
  readonly apiId: string;
  readonly stage: string;
}

/** The surroundings of the functions behind a gateway. */
export interface GatewaySurroundings {
  readonly apis: readonly ServedApi[];
  readonly region: string;
  readonly accountId: string;
  /** The access keys that all of the APIs accept. */
  readonly credentials: Credentials;
  /** The keys of the functions so far, by name. */
  readonly keys: Map<string, Credential>;
  /** The file from `writeCertificates`. */
  readonly certificateFile: string;
  /** Variables for the embedded DynamoDB, if there is one. */
  readonly storeVariables: Readonly<Record<string, string>>;
  /** Stands before the services of functions. @default no function has a role */
  readonly recorder: Recorder | undefined;
  /** Whether variables tell each function the address of the API. */
  readonly givesAddress: boolean;
}

/** Completes the options of a function behind a gateway, with an access key of its own. */
export function configureForGateway(
  surroundings: GatewaySurroundings,
  { name, options, manifest }: NamedFunction,
  directory: string,
): FunctionConfiguration {
  const { apis, region, accountId, givesAddress, recorder } = surroundings;
  const [api] = apis;
  const variables = {
    ...commonVariables(surroundings, name, options.permissions),
    ...(api !== undefined && givesAddress && addressVariables(api)),
  };
  const known = apis.map(({ apiId, gateway: { endpoint } }) => ({ apiId, endpoint }));
  const configuration = configureFunction(options, {
    name,
    region,
    accountId,
    directory,
    variables,
    manifest,
    apis: localApis(known, name),
  });
  return recorder === undefined ? configuration : throughRecorder(recorder, configuration);
}

/** The APIs of a gateway. A line is printed for each host of another API that the function connects to. */
export function localApis(known: readonly NamedApi[], functionName: string): LocalApis {
  const hosts = new Set<string>();
  const ids = known.map(({ apiId }) => `"${apiId}"`).join(', ');
  const others =
    known.length === 1
      ? `That is not the local API, whose id is ${ids}, so nothing that it posts there arrives here. Use ` +
        '"requestContext.domainName" of the event, or that id.'
      : `That is not one of the local APIs, whose ids are ${ids}, so nothing that it posts there arrives ` +
        'here. Use "requestContext.domainName" of the event, or one of those ids.';
  const onOtherApi = (host: string): void => {
    if (hosts.has(host)) return;
    hosts.add(host);
    process.stderr.write(`The function "${functionName}" connects to "${host}". ${others}\n`);
  };
  return { known, onOtherApi };
}

/** The variables for another process that uses one of the APIs, with an access key of its own. */
export function gatewayVariables(
  surroundings: GatewaySurroundings,
  api: ServedApi,
  roleName: string,
): Readonly<Record<string, string>> {
  return { ...commonVariables(surroundings, roleName), ...addressVariables(api) };
}

/** The names of the variables that say which API a function uses. */
export const ADDRESS_VARIABLES = [
  'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI',
  'GATECAST_ENDPOINT',
  'GATECAST_API_ID',
  'GATECAST_STAGE',
] as const;

function addressVariables({
  gateway: { endpoint },
  apiId,
  stage,
}: ServedApi): Readonly<Record<(typeof ADDRESS_VARIABLES)[number], string>> {
  return {
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: endpoint,
    GATECAST_ENDPOINT: endpoint,
    GATECAST_API_ID: apiId,
    GATECAST_STAGE: stage,
  };
}

/** The session of a function in its role. A function without one has a role of its own name. */
export function principalOf(
  { region, accountId }: Pick<GatewaySurroundings, 'region' | 'accountId'>,
  name: string,
  permissions?: PolicyDocument | Role,
): string {
  const own = `arn:${partitionOf(region).name}:iam::${accountId}:role/${name}`;
  return sessionOf(permissions !== undefined && 'arn' in permissions ? permissions.arn : own, name);
}

function commonVariables(
  surroundings: GatewaySurroundings,
  name: string,
  permissions?: PolicyDocument | Role,
): Readonly<Record<string, string>> {
  const { credentials, keys, certificateFile, storeVariables } = surroundings;
  const credential = credentials.issue(principalOf(surroundings, name, permissions), permissions);
  keys.set(name, credential);
  return {
    AWS_ACCESS_KEY_ID: credential.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
    AWS_SESSION_TOKEN: credential.sessionToken ?? '',
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
