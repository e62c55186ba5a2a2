import type { InvokePermission } from '../../lambda/invoke-permission.js';
import { arn } from './identities.js';
import type { Resource } from './resource.js';
import { placeOf } from './stack.js';

/** A name or an ARN, whole or from the account on, with an alias or a version. */
const FUNCTION =
  /^(?:(?:arn:[^:]+:lambda:(?<region>[^:]*):)?(?<accountId>\d*):function:)?(?<name>[^:]+)(?::(?<qualifier>[^:]+))?$/;

/**
 * The permissions of all stacks, by the ARN of the function.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if one lacks something.
 */
export function readPermissions(
  resources: readonly Resource[],
): ReadonlyMap<string, readonly InvokePermission[]> {
  const byFunction = new Map<string, InvokePermission[]>();
  for (const resource of resources) {
    if (resource.type !== 'AWS::Lambda::Permission') continue;
    const text = (name: string): string | undefined => resource.textQuietly(name);
    // What API Gateway never has.
    if (text('PrincipalOrgID') !== undefined || text('EventSourceToken') !== undefined) continue;
    if (text('InvokedViaFunctionUrl') === 'true') continue;
    const {
      name = '',
      qualifier,
      ...place
    } = FUNCTION.exec(text('FunctionName') ?? '')?.groups ?? {};
    const own = placeOf(resource.stack);
    const { region = own.region, accountId = own.accountId } = place;
    const functionArn = arn({ region, accountId }, 'lambda', `function:${name}`);
    const permission = {
      source: `"${resource.logicalId}" (AWS::Lambda::Permission)`,
      action: text('Action') ?? '',
      principal: text('Principal') ?? '',
      sourceArn: text('SourceArn'),
      sourceAccount: text('SourceAccount'),
      qualifier,
    };
    byFunction.set(functionArn, [...(byFunction.get(functionArn) ?? []), permission]);
  }
  return byFunction;
}
