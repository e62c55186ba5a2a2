/** An IAM policy. */
export interface PolicyDocument {
  readonly Version?: string | undefined;
  readonly Statement: readonly {
    readonly Sid?: string | undefined;
    readonly Effect: 'Allow' | 'Deny';
    /** Such as `execute-api:ManageConnections`. */
    readonly Action: string | readonly string[];
    /** Such as `arn:aws:execute-api:us-east-1:123456789012:local00000/dev/POST/@connections/*`. */
    readonly Resource: string | readonly string[];
  }[];
}
