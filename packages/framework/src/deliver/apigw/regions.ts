// Documentation of Amazon API Gateway, "Quotas": these Regions allow 2,500 requests a second instead
// of 10,000, for handshakes, messages and posts together.
const SMALLER_REGIONS: ReadonlySet<string> = new Set([
  'af-south-1',
  'ap-south-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-west-1',
  'eu-central-2',
  'eu-south-1',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
  'mx-central-1',
]);

/** Posts per second in a Region that leave a part of the quota for other requests. */
export function postsPerSecondOf(region: string): number {
  return SMALLER_REGIONS.has(region) ? 2_000 : 8_000;
}

// AWS documentation, "AWS service endpoints": each partition has its own domain.
const SUFFIXES: readonly (readonly [prefix: string, suffix: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eusc-', 'amazonaws.eu'],
];

/** The domain of the endpoints in a Region. */
export function domainSuffix(region: string): string {
  return SUFFIXES.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com';
}
