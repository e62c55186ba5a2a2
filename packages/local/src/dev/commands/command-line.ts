import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { OptionType } from '@gatecast/framework/adapter';
import { parseDuration, RequestError } from '../control/request.js';

/** The command line is wrong. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** The arguments of a command. */
export interface Arguments<T extends string, L extends string = never> {
  /** The entry file. */
  readonly entry: string | undefined;
  readonly values: Readonly<Partial<Record<T, string>>>;
  /** The values of the options that may be repeated, in order. */
  readonly lists: Readonly<Record<L, readonly string[]>>;
  /** The options without a value that are set. */
  readonly flags: ReadonlySet<string>;
}

/** Options that are repeatable or have no value. */
interface FurtherOptions<L extends string> {
  /** Names of the repeatable options. */
  readonly lists?: readonly L[];
  /** Names of the options without a value. */
  readonly flags?: readonly string[];
}

/** The arguments of a command that requires an entry file. */
export interface CommandLine<T extends string> extends Arguments<T> {
  readonly entry: string;
}

/**
 * Parses the arguments of a command: one entry file, and options with a value.
 *
 * @throws CommandLineError that says what is wrong.
 */
export function parseCommandLine<T extends string>(
  args: readonly string[],
  names: readonly T[],
): CommandLine<T> {
  return withEntry(parseArguments(args, names));
}

/** @throws CommandLineError if the entry file is missing. */
export function withEntry<T extends string>(parsed: Arguments<T>): CommandLine<T> {
  const { entry } = parsed;
  if (entry === undefined) {
    throw new CommandLineError('The entry file is missing.');
  }
  return { ...parsed, entry };
}

/**
 * Parses the arguments of a command: at most one entry file, and options.
 *
 * @throws CommandLineError that says what is wrong.
 */
export function parseArguments<T extends string, L extends string = never>(
  args: readonly string[],
  names: readonly T[],
  { lists: listNames = [], flags: flagNames = [] }: FurtherOptions<L> = {},
): Arguments<T, L> {
  const options: OptionTypes = Object.fromEntries([
    ...names.map((name) => [name, { type: 'string' }]),
    ...flagNames.map((name) => [name, { type: 'boolean' }]),
    ...listNames.map((name) => [name, { type: 'string', multiple: true }]),
  ]);
  const { values, positionals } = parse(args, options);
  const [entry, second] = positionals;
  if (second !== undefined) {
    throw new CommandLineError(`Pass only one entry file: "${second}" is a second one.`);
  }
  const lists = listNames.map((name) => [name, (values[name] ?? []) as string[]] as const);
  const flags = new Set(flagNames.filter((name) => values[name] === true));
  return {
    entry,
    values: values as Partial<Record<T, string>>,
    lists: Object.fromEntries(lists) as Record<L, string[]>,
    flags,
  };
}

/**
 * Parses the arguments of a command with words, and options with a value.
 *
 * @throws CommandLineError that says what is wrong.
 */
export function parseWords<T extends string>(
  args: readonly string[],
  names: readonly T[],
): { readonly words: readonly string[]; readonly values: Readonly<Partial<Record<T, string>>> } {
  const options: OptionTypes = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const { values, positionals } = parse(args, options);
  return { words: positionals, values: values as Partial<Record<T, string>> };
}

/** @throws CommandLineError unless the value is a whole number that the type allows. */
export function wholeNumber(
  value: string | undefined,
  flag: string,
  type: OptionType,
): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (type.fits(number)) return number;
  throw notTaken(value, flag, type);
}

/** @throws CommandLineError unless the type allows the value. */
export function textValue(
  value: string | undefined,
  flag: string,
  type: OptionType,
): string | undefined {
  if (value === undefined || type.fits(value)) return value;
  throw notTaken(value, flag, type);
}

function notTaken(value: string, flag: string, { takes }: OptionType): CommandLineError {
  return new CommandLineError(`${flag} takes ${takes}, not "${value}".`);
}

/**
 * The value of an option that is a duration: with a unit, such as `90s`, in the place of the option's own. A value
 * without a unit is left as it is.
 *
 * @param unitMs - the option's own unit, in milliseconds
 * @throws CommandLineError if it is longer than a year.
 */
export function withoutUnit(value: string | undefined, unitMs: number): string | undefined {
  if (value === undefined || !/^\d.*[a-z]$/.test(value)) return value;
  return String(withCommandLineErrors(() => parseDuration(value)) / unitMs);
}

/** Runs a check of the gateway, and throws its RequestError as a CommandLineError. */
export function withCommandLineErrors<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RequestError ? new CommandLineError(error.message) : error;
  }
}

function parse(args: readonly string[], options: OptionTypes): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // The rest of the message explains a syntax that does not help here.
    const [problem] = (error as Error).message.split(/\.? *\n|\. /);
    throw new CommandLineError(`${problem}.`);
  }
}
