/** A DynamoDB to test against. It stops when it is disposed. */
export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
}
