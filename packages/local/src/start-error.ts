/** What could not be found, bundled, loaded, understood or had. */
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
  | 'ERR_GATEWAY_NOT_FOUND'
  | 'ERR_REFUSED';

/** Why a function could not be started or read: thrown by `startGateway`, printed by `gatecast`. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** Names the case. */
  readonly code: StartErrorCode;
  /** What to change; missing where the message says it. */
  readonly hint: string | undefined;

  /** @internal */
  constructor(code: StartErrorCode, message: string, hint?: string) {
    super(hint === undefined ? message : `${message}\n${hint}`);
    this.code = code;
    this.hint = hint;
  }
}
