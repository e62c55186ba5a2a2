/** A part of AWS that is separate from the others. */
interface Partition {
  /** As in ARNs and `AWS::Partition`. */
  readonly name: string;
  /** The end of the host names of its services, `AWS::URLSuffix`. */
  readonly urlSuffix: string;
}

// AWS documentation, "Partitions" and "AWS service endpoints".
const PARTITIONS: readonly (readonly [prefix: string, Partition])[] = [
  ['cn-', { name: 'aws-cn', urlSuffix: 'amazonaws.com.cn' }],
  ['us-gov-', { name: 'aws-us-gov', urlSuffix: 'amazonaws.com' }],
  ['eusc-', { name: 'aws-eusc', urlSuffix: 'amazonaws.eu' }],
];

/** The partition that a Region belongs to. */
export function partitionOf(region: string): Partition {
  const found = PARTITIONS.find(([prefix]) => region.startsWith(prefix));
  return found?.[1] ?? { name: 'aws', urlSuffix: 'amazonaws.com' };
}
