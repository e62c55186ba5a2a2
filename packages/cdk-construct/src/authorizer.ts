import type * as lambda from 'aws-cdk-lib/aws-lambda';

/**
 * Who decides at the API whether a client may connect. Access to channels is always the app's matter.
 */
export class Authorizer {
  /**
   * A Lambda authorizer of type REQUEST. It has no identity sources, so it is asked for every `$connect`.
   * It must check the origin and return the context that an app's handler returns; the simplest such
   * function is the same app, deployed as another function.
   *
   * @param handler the function, which may be in another stack
   */
  public static fromFunction(handler: lambda.IFunction): Authorizer {
    return new Authorizer('function', handler);
  }

  /** Only requests signed by an IAM identity with `execute-api:Invoke`: see `grantConnect()`. */
  public static iam(): Authorizer {
    return new Authorizer('iam');
  }

  /** No authorizer at the API. Everybody may connect if the app has none, either. */
  public static none(): Authorizer {
    return new Authorizer('none');
  }

  private constructor(
    /** @internal */
    public readonly _kind: 'function' | 'iam' | 'none',
    /** @internal */
    public readonly _function?: lambda.IFunction,
  ) {}
}
