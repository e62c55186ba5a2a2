import type { WireError, WireErrorCode } from '@gatecast/protocol';

/**
 * The codes that the client gives by itself, and what each means. The server's own are `wireErrors`.
 *
 * @group Errors
 */
export const clientErrors = {
  ERR_TIMEOUT: 'No answer came in time. The server may have handled the request.',
  ERR_OUTCOME_UNKNOWN:
    'No answer came for as long as the server would know the message again. It may have been handled.',
  ERR_NOT_SENT: 'The message was not sent in time: no connection, or no answer to those before it.',
  ERR_CLOSED: 'The client is closed. Create another one.',
  ERR_QUEUE_FULL: 'Too many messages wait for an answer. Send fewer at a time.',
  ERR_NOT_CONNECTED: 'There is no connection, and a message without a reply waits for none.',
  ERR_MESSAGE_INVALID: 'The message is not JSON, or too large for a frame.',
  ERR_UNSUBSCRIBED: 'unsubscribe() was called before subscribe() was answered.',
  ERR_HANDSHAKE:
    'Could not connect. Check the network, the URL with its stage, the token, the allowed origins, and `handshake`: direct writes need query. A browser does not tell which: the terminal of `gatecast dev` does, and elsewhere `cause`.',
  ERR_TOKEN: 'The option `token` threw, or returned something else than a string. See `cause`.',
  ERR_CONNECTION_LOST: 'The connection ended.',
  ERR_CONNECTION_SILENT: 'Nothing came through the connection any more.',
  ERR_PAGE_LEFT: 'The page was left. If the browser brings it back, the client connects again.',
} as const;

/** A code that the client gives by itself. @group Errors */
export type ClientErrorCode = keyof typeof clientErrors;

/**
 * Why a request failed: what the server refused, or what the client could not do.
 *
 * @example
 * ```ts
 * try {
 *   await room.send('post', { text });
 * } catch (error) {
 *   if (ClientRequestError.is(error) && error.code === 'ERR_VALIDATION') show(error.details);
 *   else throw error;
 * }
 * ```
 * @group Errors
 */
export class ClientRequestError extends Error {
  override readonly name = 'ClientRequestError';
  /** A code of `clientErrors`, of the server's `wireErrors`, or the app's own. */
  readonly code: ClientErrorCode | WireErrorCode | (string & {});
  /** What the server said besides; for `ERR_VALIDATION` a list of `{ path, message }`. */
  readonly details: unknown;
  /** Wait at least this long before trying again, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor({ code, message, details, retryAfterMs }: WireError, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether a caught value is one, from whichever copy of this package. */
  static is(value: unknown): value is ClientRequestError {
    return value instanceof Error && value.name === 'ClientRequestError';
  }
}

/** An error of the client's own table. */
export function clientError(code: ClientErrorCode, options?: ErrorOptions): ClientRequestError {
  return new ClientRequestError({ code, message: clientErrors[code] }, options);
}

/** The errors after which the server may have done what it was asked. */
export const UNCERTAIN: readonly string[] = ['ERR_INTERNAL', 'ERR_TIMEOUT', 'ERR_OUTCOME_UNKNOWN'];
/** The errors after which it is worth asking again for what was granted before. */
export const TRANSIENT: readonly string[] = [...UNCERTAIN, 'ERR_RATE_LIMIT'];
