import { MAX_TIMER_MS } from '../time/time-limit.js';
import { makeError } from './gatecast-error.js';

/** Describes the allowed values of an option. */
export interface OptionType {
  /** Ends the sentence "It takes …": `a number of milliseconds from 1 to 60,000`. */
  readonly takes: string;
  /** Whether the option may have this value. */
  fits(value: unknown): boolean;
}

/** The allowed values of each option. */
export type OptionTypes<T extends object> = { readonly [K in keyof Required<T>]: OptionType };

/** Common types of options. */
export const option: {
  /** A non-empty string. */
  readonly text: OptionType;
  readonly flag: OptionType;
  readonly callback: OptionType;
  /** An object that is not an array. */
  readonly object: OptionType;
  readonly list: OptionType;
  /** A whole number in a range, both ends included. */
  integer(min: number, max: number): OptionType;
  /** A duration. By default `max` is the longest time that a timer can wait. */
  milliseconds(min: number, max?: number): OptionType;
  /** One of the given strings. */
  oneOf(...values: readonly string[]): OptionType;
} = {
  text: {
    takes: 'a non-empty string',
    fits: (value) => typeof value === 'string' && value !== '',
  },
  flag: { takes: 'true or false', fits: (value) => typeof value === 'boolean' },
  callback: { takes: 'a function', fits: (value) => typeof value === 'function' },
  object: {
    takes: 'an object',
    fits: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  },
  list: { takes: 'a list', fits: (value) => Array.isArray(value) },
  integer: (min, max) => ({
    takes: `a whole number from ${grouped(min)} to ${grouped(max)}`,
    fits: (value) => Number.isSafeInteger(value) && isBetween(value as number, min, max),
  }),
  milliseconds: (min, max = MAX_TIMER_MS) => ({
    takes: `a number of milliseconds from ${grouped(min)} to ${grouped(max)}`,
    fits: (value) => typeof value === 'number' && isBetween(value, min, max),
  }),
  oneOf: (...values) => ({
    takes: `one of ${values.map((value) => `'${value}'`).join(', ')}`,
    fits: (value) => values.includes(value as string),
  }),
};

/**
 * Throws on unknown options, on values that are not allowed, and on options that exclude each other. Use
 * it for the options of your own stores and plugins, in the function that creates them. An option that is
 * `undefined` counts as absent.
 *
 * @example
 * ```ts
 * checkOptions('myStore()', options, { url: option.text, client: option.object, now: option.callback }, [
 *   ['url', 'client'],
 * ]);
 * ```
 *
 * @param where - The called function, as it appears in errors: `myStore()`.
 * @param options - The options that the caller passed.
 * @param types - All options and their allowed values.
 * @param exclusive - Options that exclude each other.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_OPTION_CONFLICT.
 */
// oxlint-disable-next-line max-params -- the last one is rare, and the others are short.
export function checkOptions<T extends object>(
  where: string,
  options: T,
  types: OptionTypes<T>,
  exclusive: readonly (readonly (keyof T & string)[])[] = [],
): void {
  const known = types as Readonly<Record<string, OptionType>>;
  if (!option.object.fits(options)) {
    throw makeError('ERR_OPTION_VALUE', {
      where,
      option: 'options',
      given: describeValue(options),
      takes: `an object with any of: ${Object.keys(known).join(', ')}`,
    });
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const type = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!type) {
      throw makeError('ERR_OPTION_UNKNOWN', {
        where,
        option: name,
        known: Object.keys(known).join(', '),
      });
    }
    if (type.fits(value)) continue;
    const { takes } = type;
    throw makeError('ERR_OPTION_VALUE', {
      where,
      option: name,
      given: describeValue(value),
      takes,
    });
  }
  const names = given.map(([name]) => name);
  for (const group of exclusive) {
    const [first, second] = group.filter((name) => names.includes(name));
    if (first === undefined || second === undefined) continue;
    throw makeError('ERR_OPTION_CONFLICT', { where, first, second });
  }
}

/** Describes a value for error messages: short, and without the contents of objects. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `"${value.length > 80 ? `${value.slice(0, 80)}…` : value}"`;
  if (typeof value === 'function') {
    const kind = isClass(value) ? 'class' : 'function';
    return value.name === '' ? `a ${kind}` : `the ${kind} ${value.name}`;
  }
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) {
    return value instanceof Promise ? 'a promise' : 'an object';
  }
  return String(value);
}

/** What a thrown value says. Code of the app may throw anything. */
export function reasonOf(error: unknown): string {
  const { message } = (error ?? {}) as { readonly message?: unknown };
  if (typeof message === 'string') return message;
  return typeof error === 'string' ? error : describeValue(error);
}

/** Whether a value is a class that is written as one: compiled to ES5 it would look like a function. */
export function isClass(value: unknown): value is { readonly name: string } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function isBetween(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

/** `2,147,483,647`. Not `toLocaleString`, whose first call takes 10 ms at every cold start. */
function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
