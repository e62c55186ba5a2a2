import type { WireError, WireErrorCode } from '@gatecast/protocol';

/** What may go with a {@link ClientError}. */
export interface ClientErrorOptions {
  /** Anything that JSON can hold; sent to the client. */
  readonly details?: unknown;
  /** How long the client should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** For the logs alone. */
  readonly cause?: unknown;
}

/**
 * The only error a client ever sees: its code, message and details are sent as they are. Throw it
 * from a handler to refuse a message, a subscription or a connection. Everything else that is
 * thrown becomes one fixed text for the client and is logged whole.
 *
 * @example
 * ```ts
 * throw new ClientError('ERR_ROOM_FULL', 'The room is full.', { retryAfterMs: 5_000 });
 * ```
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** A code of Gatecast's (`docs/errors.md`), or one of the app's own. */
  readonly code: WireErrorCode | (string & {});
  /** Sent to the client. */
  readonly details?: unknown;
  /** Sent to the client: how long it should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(
    code: WireErrorCode | (string & {}),
    message: string,
    options: ClientErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.details !== undefined) this.details = options.details;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  /** Who has to act. Read instead of `instanceof`: a bundle may hold two copies of the package. */
  get kind(): 'client' {
    return 'client';
  }

  /** Whether a value is one, also when another copy of the package made it. */
  static is(value: unknown): value is ClientError {
    const { kind, name } = (value ?? {}) as Partial<ClientError>;
    return kind === 'client' && name === 'ClientError';
  }
}

const INTERNAL: WireError = {
  code: 'ERR_INTERNAL',
  message: 'The server could not handle this.',
};
// The client may send it again, and should know that the work may be done already.
const TIMED_OUT: WireError = {
  code: 'ERR_TIMEOUT',
  message: 'The server did not finish in time. It may have done its work.',
};

/** What a client is told of anything that was thrown. */
export function toWireError(error: unknown): WireError {
  if (!ClientError.is(error)) {
    const { code } = (error ?? {}) as { readonly code?: unknown };
    return code === 'ERR_HANDLER_TIMEOUT' ? TIMED_OUT : INTERNAL;
  }
  const { code, message, details, retryAfterMs } = error;
  return {
    code,
    message,
    ...(details !== undefined && { details }),
    // JSON has no NaN and no Infinity: a client would read them as null, and wait for nothing.
    ...(Number.isFinite(retryAfterMs) && { retryAfterMs }),
  };
}
