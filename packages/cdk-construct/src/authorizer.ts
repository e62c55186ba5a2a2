import type * as lambda from 'aws-cdk-lib/aws-lambda';

/**
 * Who may connect, where not the app's own authorizer decides.
 *
 * Access to channels is always the app's matter, whoever lets the connection in.
 */
export class Authorizer {
  /**
   * A REQUEST authorizer without identity sources, so that the token may come by the query, a header or
   * the sub-protocol. It has to answer as an app's handler does: check the origin, and give the user id and
   * the claims under Gatecast's keys. The handler of an app, deployed a second time, is one.
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

  /** Everybody may connect. */
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
