/** Refuses a request to the control API. The message is sent to the client. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The HTTP status of the answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
