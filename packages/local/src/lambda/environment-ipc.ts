/**
 * A request of the gateway to an environment's process. There is one at a time, so requests need no id.
 */
export interface InvokeRequest {
  readonly event: object;
  readonly requestId: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
}

/** The first report of an environment's process to the gateway. */
export type LoadReport =
  | { readonly type: 'loaded'; readonly module: LoadedModule }
  | { readonly type: 'loadFailed'; readonly failure: LoadFailure };

/** The outcome of an invocation. */
export type InvocationReport =
  | {
      readonly type: 'response';
      /** The return value of the handler as JSON. */
      readonly json: string;
    }
  | { readonly type: 'error'; readonly errorType: string; readonly errorMessage: string };

/** The contents of a function's module. */
export interface LoadedModule {
  /** Names of its exports; for a CommonJS module, the keys of `module.exports`. */
  readonly exports: readonly string[];
  readonly hasHandler: boolean;
  /** `app.manifest`, if the module exports an app that has one. */
  readonly manifest?: unknown;
}

/** Why a function's module could not be loaded. */
export interface LoadFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  /** The error for a terminal: message, stack and cause. */
  readonly details: string;
}
