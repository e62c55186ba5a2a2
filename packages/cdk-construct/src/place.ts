import { CfnResource, type ResourceEnvironment, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Whether something is of this app. Otherwise it is imported: a reference by name, which needs no stack. */
export function isMadeHere(part: IConstruct): boolean {
  return part.node.findAll().some((each) => CfnResource.isCfnResource(each));
}

/** Whether two things are known to be in different accounts or Regions. */
export function areApart(
  one: Pick<ResourceEnvironment, 'account' | 'region'>,
  other: Pick<ResourceEnvironment, 'account' | 'region'>,
): boolean {
  return (['account', 'region'] as const).some(
    (name) =>
      !Token.isUnresolved(one[name]) &&
      !Token.isUnresolved(other[name]) &&
      one[name] !== other[name],
  );
}
