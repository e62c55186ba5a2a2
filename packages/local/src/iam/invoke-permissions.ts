import {
  allowsInvocation,
  type LambdaPermission,
  type ServiceInvocation,
} from './lambda-permission.js';
import { matchesPattern } from './pattern.js';

/** The Lambda permissions of functions that were invoked, and whether something used them. */
export class InvokePermissions {
  readonly #known = new Set<LambdaPermission>();
  readonly #used = new WeakSet<LambdaPermission>();
  /** The APIs that invoked something, as ARNs without a path. */
  readonly #apis = new Set<string>();

  /** Whether one of the permissions of a function allows an invocation. */
  check(permissions: readonly LambdaPermission[], invocation: ServiceInvocation): boolean {
    this.#apis.add(apiOf(invocation.sourceArn));
    for (const permission of permissions) this.#known.add(permission);
    const fitting = permissions.filter((each) => allowsInvocation(each, invocation));
    for (const permission of fitting) this.#used.add(permission);
    return fitting.length > 0;
  }

  /** Those that allowed nothing, but for those for other services and for APIs that do not run here. */
  unused(): LambdaPermission[] {
    const isOfApiHere = ({ principal, sourceArn }: LambdaPermission): boolean =>
      principal === 'apigateway.amazonaws.com' &&
      (sourceArn === undefined ||
        [...this.#apis].some((api) =>
          matchesPattern(apiOf(sourceArn), api, { wildcards: 'arn', variables: undefined }),
        ));
    return [...this.#known].filter((each) => !this.#used.has(each) && isOfApiHere(each));
  }
}

/** `arn:aws:execute-api:us-east-1:123456789012:abcde12345` */
function apiOf(sourceArn: string): string {
  return sourceArn.split('/')[0] ?? '';
}
