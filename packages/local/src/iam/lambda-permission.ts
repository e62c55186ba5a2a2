import { matchesPattern } from './pattern.js';

/**
 * What may invoke a function: a statement of its resource-based policy.
 *
 * @group Access and identity
 */
export interface LambdaPermission {
  /** For messages, such as `"ConnectPermission" (AWS::Lambda::Permission)`. */
  readonly source: string;
  /** Such as `lambda:InvokeFunction`. */
  readonly action: string;
  /** A service such as `apigateway.amazonaws.com`, an account, an ARN, or `*`. */
  readonly principal: string;
  /** May have wildcards. @default any resource of the principal */
  readonly sourceArn?: string | undefined;
  /** @default any account */
  readonly sourceAccount?: string | undefined;
}

/** An invocation by a service. */
export interface ServiceInvocation {
  /** Such as `apigateway.amazonaws.com`. */
  readonly principal: string;
  /** What the service invokes the function for, such as a route. */
  readonly sourceArn: string;
  /** The account that owns it. */
  readonly sourceAccount: string;
}

/**
 * Whether a permission lets a service invoke its function. Lambda compares `SourceArn` as `ArnLike` does, and
 * `SourceAccount` as a text (Lambda: using resource-based policies).
 */
export function allowsInvocation(
  { action, principal, sourceArn, sourceAccount }: LambdaPermission,
  invocation: ServiceInvocation,
): boolean {
  return (
    matches(action.toLowerCase(), 'lambda:invokefunction', 'text') &&
    ['*', invocation.principal].includes(principal) &&
    (sourceArn === undefined || matches(sourceArn, invocation.sourceArn, 'arn')) &&
    (sourceAccount === undefined || sourceAccount === invocation.sourceAccount)
  );
}

function matches(pattern: string, text: string, wildcards: 'text' | 'arn'): boolean {
  return matchesPattern(pattern, text, { wildcards, variables: undefined });
}
