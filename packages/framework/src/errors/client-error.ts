import type { WireError, WireErrorCode } from '@gatecast/protocol';
import { StoreError } from './gatecast-error.js';

/** Options of {@link ClientError}. @group Errors */
export interface ClientErrorOptions {
  /** Any JSON value. Sent to the client. */
  readonly details?: unknown;
  /** How long the client should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** For the logs only. */
  readonly cause?: unknown;
}

/**
 * The only error a client ever sees: its code, message and details are sent as they are. Throw it
 * from a handler to refuse a message, a subscription or a connection. For any other error the client gets
 * one fixed message, and the logs get the whole error.
 *
 * @example
 * ```ts
 * throw new ClientError('ERR_ROOM_FULL', 'The room is full.', { retryAfterMs: 5_000 });
 * ```
 * @group Errors
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** A code of Gatecast (`docs/errors.md`) or of the app. */
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

  /**
   * Who has to act. Use it instead of `instanceof`, because a bundle may contain two copies of the
   * package.
   */
  get kind(): 'client' {
    return 'client';
  }

  /** Whether a value is a `ClientError`, even of another copy of the package. */
  static is(value: unknown): value is ClientError {
    const { kind, name } = (value ?? {}) as Partial<ClientError>;
    return kind === 'client' && name === 'ClientError';
  }
}

const INTERNAL: WireError = {
  code: 'ERR_INTERNAL',
  message: 'The server could not handle this. Its logs say why.',
};
// The client may send the message again, so it must know that the work may already be done.
const TIMED_OUT: WireError = {
  code: 'ERR_TIMEOUT',
  message: 'The server did not finish in time. It may have done its work.',
};

const UNKNOWN: WireError = {
  code: 'ERR_OUTCOME_UNKNOWN',
  message: 'The server may or may not have done this. Send it again with the same id.',
};

/** The store may soon be back: the client asks again what may be asked again. */
const UNAVAILABLE: WireError = { ...INTERNAL, retryAfterMs: 1_000 };

/** Converts anything that was thrown to the error that the client gets. */
export function toWireError(error: unknown): WireError {
  if (!ClientError.is(error)) {
    const { code, isOutcomeUnknown } = (error ?? {}) as Partial<StoreError>;
    if (isOutcomeUnknown === true) return UNKNOWN;
    if (StoreError.is(error) && error.retryable) return UNAVAILABLE;
    return code === 'ERR_HANDLER_TIMEOUT' ? TIMED_OUT : INTERNAL;
  }
  const { code, message, details, retryAfterMs } = error;
  return {
    code,
    message,
    ...(details !== undefined && { details }),
    // JSON cannot express NaN and Infinity: the client would read null and not wait at all.
    ...(Number.isFinite(retryAfterMs) && { retryAfterMs }),
  };
}
