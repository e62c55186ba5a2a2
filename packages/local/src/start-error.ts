/** Codes of the errors of `startGateway` and `gatecast`. @group Errors */
export type StartErrorCode =
  | 'ERR_ENTRY_NOT_FOUND'
  | 'ERR_BUILD_FAILED'
  | 'ERR_LOAD_FAILED'
  | 'ERR_HANDLER_NOT_FOUND'
  | 'ERR_APP_NOT_FOUND'
  | 'ERR_ROUTES_UNKNOWN'
  | 'ERR_FUNCTION_UNKNOWN'
  | 'ERR_TEMPLATE_INVALID'
  | 'ERR_MANIFEST_INVALID'
  | 'ERR_PORT_TAKEN'
  | 'ERR_STORE_LOCAL'
  | 'ERR_DATA_UNAVAILABLE'
  | 'ERR_GATEWAY_NOT_FOUND'
  | 'ERR_COMMAND_NOT_STARTED'
  | 'ERR_INVOCATION_FAILED'
  | 'ERR_SESSION_FAILED'
  | 'ERR_PARTS_UNNOTICED'
  | 'ERR_REFUSED';

/**
 * A gateway or a function could not be started. `startGateway` throws it, and `gatecast` prints it.
 *
 * @group Errors
 */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** Identifies the error. */
  readonly code: StartErrorCode;
  /** What to change; `undefined` if the message says it. */
  readonly hint: string | undefined;

  /** @internal */
  constructor(code: StartErrorCode, message: string, hint?: string) {
    super(hint === undefined ? message : `${message}\n${hint}`);
    this.code = code;
    this.hint = hint;
  }
}
