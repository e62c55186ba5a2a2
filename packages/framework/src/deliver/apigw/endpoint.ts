import { makeError } from '../../errors/gatecast-error.js';
import { partitionOf } from './regions.js';

/** Identifies a stage of an API. @group Deployment */
export interface StageAddress {
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
}

/** A parsed endpoint: the URL of one stage's `@connections` API. */
export interface Endpoint {
  /** Without a slash at the end. */
  readonly url: string;
  readonly isSecure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** The `Host` header, with the port unless it is the default of the protocol. */
  readonly host: string;
  /** The path before `/@connections`, such as `/prod`; may be empty. */
  readonly basePath: string;
  /** Region for which requests are signed. */
  readonly region: string;
}

// Endpoints with `fips` only differ in the name of the service.
const AWS_HOST = /^([a-z0-9]+)\.execute-api(?:-fips)?\.([a-z0-9-]+)\.(.+)$/;

/** Whether two addresses refer to the same stage. Regions are only compared if both have one. */
export function isSameStage(a: StageAddress, b: StageAddress): boolean {
  if (a.apiId !== b.apiId || a.stage !== b.stage) return false;
  return a.region === b.region || a.region === '' || b.region === '';
}

/** Whether an address belongs to the own stage. If the own stage is unknown, every address does. */
export function isOwn(address: StageAddress, own: StageAddress | undefined): boolean {
  return !own || isSameStage(address, own);
}

/**
 * The endpoint in the environment: `GATECAST_ENDPOINT`, else `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`.
 */
export function endpointOfEnvironment(): string | undefined {
  return (
    process.env['GATECAST_ENDPOINT'] ||
    process.env['AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI'] ||
    undefined
  );
}

/**
 * The endpoint of a stage. It does not use an event's `domainName`, because a custom domain has a base
 * path instead of the stage (row 6.2).
 *
 * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, if the address or its Region is missing.
 */
export function endpointUrl(address: StageAddress | undefined): string {
  if (!address?.region) throw makeError('ERR_ENDPOINT_UNKNOWN', {});
  const { apiId, region, stage } = address;
  return `https://${apiId}.execute-api.${region}.${partitionOf(region).urlSuffix}/${stage}`;
}

/**
 * Parses an endpoint.
 *
 * @throws ConfigurationError - ERR_ENDPOINT_INVALID, if it is not an http or https URL of a stage;
 * ERR_REGION_UNKNOWN, if neither its host name nor the environment has the Region.
 */
export function readEndpoint(text: string): Endpoint {
  const invalid = (problem: string): Error =>
    makeError('ERR_ENDPOINT_INVALID', { endpoint: withoutPassword(text), problem });
  if (!URL.canParse(text)) throw invalid('is not a URL');
  const { protocol, hostname, port, host, pathname, search, hash, username } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') throw invalid('is not an http or https URL');
  if (username !== '') throw invalid('contains a user name');
  if (search !== '' || hash !== '') throw invalid('has a query string or a fragment');
  const basePath = pathname.replace(/\/+/g, '/').replace(/\/$/, '');
  if (basePath === '' && AWS_HOST.test(hostname)) throw invalid('lacks the stage');
  const isSecure = protocol === 'https:';
  return {
    url: `${protocol}//${host}${basePath}`,
    isSecure,
    // Sockets need IPv6 addresses without brackets.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    host,
    basePath,
    region: signingRegion(hostname),
  };
}

/** The stage of an endpoint in AWS's form: `https://{api}.execute-api.{region}.{suffix}/{stage}`. */
export function addressOfEndpoint({ hostname, basePath }: Endpoint): StageAddress | undefined {
  const [, apiId, region, suffix] = AWS_HOST.exec(hostname) ?? [];
  const stage = basePath.slice(1);
  if (apiId === undefined || region === undefined || stage.includes('/')) return undefined;
  return suffix === partitionOf(region).urlSuffix ? { apiId, stage, region } : undefined;
}

/** The Region in the environment: `GATECAST_REGION`, else the function's own. */
export function regionOfEnvironment(): string | undefined {
  return process.env['GATECAST_REGION'] || process.env['AWS_REGION'] || undefined;
}

function signingRegion(hostname: string): string {
  const region = AWS_HOST.exec(hostname)?.[2] ?? regionOfEnvironment();
  if (region === undefined) throw makeError('ERR_REGION_UNKNOWN', { host: hostname });
  return region;
}

function withoutPassword(text: string): string {
  const shown = text.replace(/\/\/[^/@]*@/, '//…@');
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}
