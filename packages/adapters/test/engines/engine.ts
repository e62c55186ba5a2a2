/** A DynamoDB to test against, until it is disposed of. */
export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
}
