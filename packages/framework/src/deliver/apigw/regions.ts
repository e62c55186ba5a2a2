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

/** A part of AWS that is separate from the others. */
export interface Partition {
  /** As in ARNs: `aws`, `aws-cn`. */
  readonly name: string;
  /** The end of the host names of its services: `amazonaws.com`. */
  readonly urlSuffix: string;
}

// AWS documentation, "Partitions" and "AWS service endpoints".
const PARTITIONS: readonly (readonly [prefix: string, name: string, urlSuffix: string])[] = [
  ['cn-', 'aws-cn', 'amazonaws.com.cn'],
  ['us-gov-', 'aws-us-gov', 'amazonaws.com'],
  ['us-iso-', 'aws-iso', 'c2s.ic.gov'],
  ['us-isob-', 'aws-iso-b', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'aws-iso-e', 'cloud.adc-e.uk'],
  ['us-isof-', 'aws-iso-f', 'csp.hci.ic.gov'],
  ['eusc-', 'aws-eusc', 'amazonaws.eu'],
];

/** The partition that a Region belongs to. */
export function partitionOf(region: string): Partition {
  const [, name = 'aws', urlSuffix = 'amazonaws.com'] =
    PARTITIONS.find(([prefix]) => region.startsWith(prefix)) ?? [];
  return { name, urlSuffix };
}
