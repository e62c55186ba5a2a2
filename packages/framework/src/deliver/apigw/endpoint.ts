import { makeError } from '../../errors/gatecast-error.js';
import { domainSuffix } from './regions.js';

/** Where a stage is. */
export interface StageAddress {
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
}

/** The `@connections` API of one stage, as it is posted to. */
export interface Endpoint {
  /** Without a slash at the end. */
  readonly url: string;
  readonly isSecure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** The `Host` header: with the port, unless it is the protocol's own. */
  readonly host: string;
  /** What comes before `/@connections`: `/prod`, or nothing. */
  readonly basePath: string;
  /** Region that its requests are signed for. */
  readonly region: string;
}

// `fips` endpoints differ in the name of the service only.
const AWS_HOST = /^([a-z0-9]+)\.execute-api(?:-fips)?\.([a-z0-9-]+)\.(.+)$/;

/** Whether two addresses are the same stage. Without a Region in one of them its name does not count. */
export function isSameStage(a: StageAddress, b: StageAddress): boolean {
  if (a.apiId !== b.apiId || a.stage !== b.stage) return false;
  return a.region === b.region || a.region === '' || b.region === '';
}

/** Whether something belongs to the own stage. Where that is not known, everything does. */
export function isOwn(address: StageAddress, own: StageAddress | undefined): boolean {
  return !own || isSameStage(address, own);
}

/**
 * Which endpoint the environment names: `GATECAST_ENDPOINT`, else
 * `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`.
 */
export function endpointOfEnvironment(): string | undefined {
  return (
    process.env['GATECAST_ENDPOINT'] ||
    process.env['AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI'] ||
    undefined
  );
}

/**
 * The endpoint of a stage. Never made of an event's `domainName`: behind a custom domain that has a base
 * path instead of the stage (row 6.2).
 *
 * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, without an address, or without its Region.
 */
export function endpointUrl(address: StageAddress | undefined): string {
  if (!address?.region) throw makeError('ERR_ENDPOINT_UNKNOWN', {});
  const { apiId, region, stage } = address;
  return `https://${apiId}.execute-api.${region}.${domainSuffix(region)}/${stage}`;
}

/**
 * Takes an endpoint apart.
 *
 * @throws ConfigurationError - ERR_ENDPOINT_INVALID, for anything but an http or https URL of a stage;
 * ERR_REGION_UNKNOWN, when neither its name nor the environment says which Region it is in.
 */
export function readEndpoint(text: string): Endpoint {
  const invalid = (problem: string): Error =>
    makeError('ERR_ENDPOINT_INVALID', { endpoint: withoutPassword(text), problem });
  if (!URL.canParse(text)) throw invalid('is not a URL');
  const { protocol, hostname, port, host, pathname, search, hash, username } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') throw invalid('is not an http or https URL');
  if (username !== '') throw invalid('holds a user name');
  if (search !== '' || hash !== '') throw invalid('has something behind its path');
  const basePath = pathname.replace(/\/+/g, '/').replace(/\/$/, '');
  if (basePath === '' && AWS_HOST.test(hostname)) throw invalid('lacks the stage');
  const isSecure = protocol === 'https:';
  return {
    url: `${protocol}//${host}${basePath}`,
    isSecure,
    // A socket takes the address of IPv6 without its brackets.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    host,
    basePath,
    region: signingRegion(hostname),
  };
}

/** The stage that an endpoint of AWS's form belongs to: `https://{api}.execute-api.{region}.{suffix}/{stage}`. */
export function addressOfEndpoint({ hostname, basePath }: Endpoint): StageAddress | undefined {
  const [, apiId, region, suffix] = AWS_HOST.exec(hostname) ?? [];
  const stage = basePath.slice(1);
  if (apiId === undefined || region === undefined || stage.includes('/')) return undefined;
  return suffix === domainSuffix(region) ? { apiId, stage, region } : undefined;
}

/** The Region that the environment names: `GATECAST_REGION`, else the function's own. */
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
