import { type ErrorCode, type ErrorEntry, errorTable } from './error-table.js';

type Placeholders<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
// "{api-id}" and the like are literal text in hints, not placeholders.
type Names<C extends ErrorCode> = Exclude<
  Placeholders<(typeof errorTable)[C]['message']> | Placeholders<(typeof errorTable)[C]['hint']>,
  'api-id' | 'region' | 'stage' | ` ${string}`
>;

/** The values that fill the text of an error. */
export type ErrorValues<C extends ErrorCode> = { readonly [K in Names<C>]: string | number };

/**
 * Base class of the errors that developers and operators see. Clients never see them: they get
 * `ERR_INTERNAL`.
 *
 * @group Errors
 */
export class GatecastError extends Error {
  /** Identifies the error; all codes are in `docs/errors.md`. */
  readonly code: ErrorCode;
  readonly #hint: string;

  /** @internal */
  constructor(code: ErrorCode, values: Readonly<Record<string, string | number>>, cause?: unknown) {
    const entry: ErrorEntry = errorTable[code];
    super(fill(entry.message, values), cause === undefined ? undefined : { cause });
    this.code = code;
    this.#hint = fill(entry.hint, values);
  }

  /** What to change. `stack` also contains it, below the message. */
  get hint(): string {
    return this.#hint;
  }

  /**
   * Who has to act. Use it instead of `instanceof`, because a bundle may contain two copies of the
   * package.
   */
  get kind(): ErrorEntry['kind'] {
    return errorTable[this.code].kind;
  }

  /** URL of the page that explains the error. */
  get docs(): string {
    return `https://github.com/gatecast/gatecast/blob/main/docs/errors.md#${this.code.toLowerCase()}`;
  }

  /** For logs: `name`, `code`, `message`, `hint`, `docs`, `stack`, and the stack of a `cause`. */
  toJSON(): object {
    const { name, code, message, hint, docs, stack, cause } = this;
    return {
      name,
      code,
      message,
      hint,
      docs,
      stack,
      ...(cause instanceof Error && { cause: cause.stack }),
    };
  }
}

/**
 * The app is configured wrongly. Thrown when it is created, or at the first event.
 *
 * @group Errors
 */
export class ConfigurationError extends GatecastError {
  override readonly name = 'ConfigurationError';
  /** Whether a value is an error of this class, even of another copy of the package. */
  static is(value: unknown): value is ConfigurationError {
    return isOfKind(value, 'configuration');
  }
}

/** The framework was called in a way that cannot work. @group Errors */
export class UsageError extends GatecastError {
  override readonly name = 'UsageError';
  /** Whether a value is an error of this class, even of another copy of the package. */
  static is(value: unknown): value is UsageError {
    return isOfKind(value, 'usage');
  }
}

/** Describes the failure of a store for {@link StoreError.of}. @group Errors */
export interface StoreFailure {
  /** Name of the store: `dynamodb`. */
  readonly store: string;
  /** Completes the message "The store … could not …": `subscribe a connection`. */
  readonly operation: string;
  /** What happened, as a sentence without secrets. */
  readonly reason: string;
  /**
   * What the operator has to change, as one sentence, if trying again cannot help.
   *
   * @default none: the same call may succeed later
   */
  readonly advice?: string;
  /** The error of the client library. */
  readonly cause?: unknown;
}

/** A store failed: it could not be reached, or answered with an error. @group Errors */
export class StoreError extends GatecastError {
  override readonly name = 'StoreError';
  /**
   * Whether the event of a message may have been kept although `publish` failed. Sending the message again does no
   * harm, so its client is told to.
   */
  // Declared only, so that it does not appear in the logs of other errors.
  declare isOutcomeUnknown?: boolean;

  /**
   * Makes the error that every method of a store throws: `ERR_STORE_REFUSED` with advice,
   * `ERR_STORE_UNAVAILABLE` without.
   */
  static of({ store, operation, reason, advice, cause }: StoreFailure): StoreError {
    return advice === undefined
      ? makeError('ERR_STORE_UNAVAILABLE', { store, operation, reason }, cause)
      : makeError('ERR_STORE_REFUSED', { store, operation, reason, advice }, cause);
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.code === 'ERR_STORE_UNAVAILABLE';
  }

  /** Whether a value is an error of this class, even of another copy of the package. */
  static is(value: unknown): value is StoreError {
    return isOfKind(value, 'store');
  }
}

/**
 * A frame could not be posted to API Gateway. `publish` does not throw it: it counts the connection in
 * `delivery.failed` and tells the plugins' `onError`.
 *
 * @group Errors
 */
export class DeliveryError extends GatecastError {
  override readonly name = 'DeliveryError';
  /** Whether a value is an error of this class, even of another copy of the package. */
  static is(value: unknown): value is DeliveryError {
    return isOfKind(value, 'delivery');
  }
}

interface ErrorClasses {
  readonly configuration: ConfigurationError;
  readonly usage: UsageError;
  readonly store: StoreError;
  readonly delivery: DeliveryError;
}
type ErrorOf<C extends ErrorCode> = ErrorClasses[(typeof errorTable)[C]['kind']];

const classes = {
  configuration: ConfigurationError,
  usage: UsageError,
  store: StoreError,
  delivery: DeliveryError,
};

/** Makes the error for a code, as an instance of the class for its kind. */
export function makeError<C extends ErrorCode>(
  code: C,
  values: ErrorValues<C>,
  cause?: unknown,
): ErrorOf<C> {
  const error = new classes[errorTable[code].kind](code, values, cause) as ErrorOf<C>;
  traceFrom(error, makeError);
  return error;
}

/**
 * Sets the stack of an error to its message, its hint, and the frames above `caller`, because frames
 * inside the framework do not help its users. If `caller` is not running, the stack has no frames. That
 * is right for mistakes that were made long before they are found.
 */
export function traceFrom(error: GatecastError, caller: (...args: never[]) => unknown): void {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, caller);
  const { name, code, message, hint } = error;
  Object.defineProperty(error, 'stack', {
    // The text is only made when it is read.
    get: () => `${name} [${code}]: ${message}\n  ${hint}${framesOf(trace.stack)}`,
    set: (value) => {
      Object.defineProperty(error, 'stack', { value, writable: true });
    },
    configurable: true,
  });
}

/**
 * Runs the body of a public function, so that the stacks of its errors begin at the caller of that
 * function.
 */
export function tracedFrom<T>(caller: (...args: never[]) => unknown, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof GatecastError) traceFrom(error, caller);
    throw error;
  }
}

function framesOf(stack = ''): string {
  const start = stack.indexOf('\n    at ');
  return start === -1 ? '' : stack.slice(start);
}

function isOfKind(value: unknown, kind: ErrorEntry['kind']): boolean {
  const { code, kind: given } = (value ?? {}) as Partial<GatecastError>;
  return given === kind && typeof code === 'string' && code.startsWith('ERR_');
}

function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{([\w-]+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? whole : String(value);
  });
}
