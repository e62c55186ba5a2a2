import { makeError } from '../../errors/gatecast-error.js';

/** Where a stage is. */
export interface StageAddress {
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
}

/**
 * URL of the `@connections` API, stage included: what the environment says
 * (`GATECAST_ENDPOINT`, else `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`), else built from the API's
 * id, Region and stage. Never from the event's `domainName`: behind a custom domain that has a base
 * path instead of the stage (row 6.2).
 *
 * @throws ConfigurationError - ERR_ENDPOINT_UNKNOWN, with neither.
 */
export function managementEndpoint(address: StageAddress | undefined): string {
  const given =
    process.env.GATECAST_ENDPOINT || process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI;
  if (given) return given.replace(/\/+$/, '');
  if (!address) throw makeError('ERR_ENDPOINT_UNKNOWN', {});
  const { apiId, region, stage } = address;
  return `https://${apiId}.execute-api.${region}.${domainSuffix(region)}/${stage}`;
}

// AWS documentation, "AWS service endpoints": each partition has its own domain.
function domainSuffix(region: string): string {
  if (region.startsWith('cn-')) return 'amazonaws.com.cn';
  if (region.startsWith('us-iso-')) return 'c2s.ic.gov';
  if (region.startsWith('us-isob-')) return 'sc2s.sgov.gov';
  if (region.startsWith('eusc-')) return 'amazonaws.eu';
  return 'amazonaws.com';
}
