import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Tells cdk-nag why something that AwsSolutions finds is right. `finding` is what follows
 * `AwsSolutions-`. It is written as metadata, because `Validations.acknowledge()` refuses names with
 * `AWS::Partition` in them.
 */
export function acknowledge(construct: IConstruct, finding: string, reason: string): void {
  construct.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, {
    [`annotation::AwsSolutions-${finding}`]: reason,
  });
}

/** A resource as cdk-nag names it in a finding: as the template has it, with references in angle brackets. */
export function resourceInFinding(scope: IConstruct, value: string): string {
  return flat(Stack.of(scope).resolve(value));
}

function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument] = ['', undefined]] = Object.entries(value as object);
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(flat).join('');
  const path = Array.isArray(argument) ? argument.join('.') : String(argument);
  return `<${path}>`;
}
