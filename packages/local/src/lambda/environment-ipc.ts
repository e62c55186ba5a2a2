/** What the gateway asks of an environment's process. One request at a time, so none needs an id. */
export interface InvokeRequest {
  readonly event: object;
  readonly requestId: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
}

/** The first thing an environment's process tells the gateway. */
export type LoadReport =
  | { readonly type: 'loaded'; readonly module: LoadedModule }
  | { readonly type: 'loadFailed'; readonly failure: LoadFailure };

/** What came of an invocation. */
export type InvocationReport =
  | {
      readonly type: 'response';
      /** What the handler returned, as JSON text. */
      readonly json: string;
    }
  | { readonly type: 'error'; readonly errorType: string; readonly errorMessage: string };

/** What a function's module turned out to hold. */
export interface LoadedModule {
  /** Names of its exports; those of `module.exports` for a CommonJS module. */
  readonly exports: readonly string[];
  readonly hasHandler: boolean;
  /** `app.manifest`, when the module exports an app that has one. */
  readonly manifest?: unknown;
}

/** Why a function's module could not be loaded. */
export interface LoadFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  /** The error as a terminal should show it: message, stack and cause. */
  readonly details: string;
}
