/** A request to the control API that cannot be done. Its message is for who made the request. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The HTTP status it is answered with. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
