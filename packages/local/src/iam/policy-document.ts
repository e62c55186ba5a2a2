/** An IAM policy. @group Access and identity */
export interface PolicyDocument {
  /** Policy variables such as `${aws:SourceIp}` need `2012-10-17`. @default '2008-10-17' */
  readonly Version?: string | undefined;
  readonly Id?: string | undefined;
  readonly Statement: readonly PolicyStatement[];
}

/** A statement has either `Action` or `NotAction`, and either `Resource` or `NotResource`. */
export interface PolicyStatement {
  readonly Sid?: string | undefined;
  readonly Effect: 'Allow' | 'Deny';
  /** Such as `execute-api:ManageConnections`. */
  readonly Action?: string | readonly string[] | undefined;
  /** Every action but these. */
  readonly NotAction?: string | readonly string[] | undefined;
  /** Such as `arn:aws:execute-api:us-east-1:123456789012:local00000/dev/POST/@connections/*`. */
  readonly Resource?: string | readonly string[] | undefined;
  /** Every resource but these. */
  readonly NotResource?: string | readonly string[] | undefined;
  /**
   * Operators of IAM, each with condition keys and values. `BinaryEquals` is not supported, and neither are
   * keys whose value only AWS knows, such as `aws:PrincipalOrgID` or tags.
   */
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}
