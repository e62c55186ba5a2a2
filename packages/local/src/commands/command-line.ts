import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RequestError } from '../control/request-error.js';

/** The command was called in a way that cannot be understood. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** The arguments of a command. */
export interface Arguments<T extends string> {
  /** The entry file. */
  readonly entry: string | undefined;
  readonly values: Readonly<Partial<Record<T, string>>>;
  /** What an option that may be given several times was given, in order. */
  readonly list: readonly string[];
  /** The options without a value that were given. */
  readonly flags: ReadonlySet<string>;
}

/** Options beside those that each take a value once. */
interface FurtherOptions {
  /** One that may be given several times. */
  readonly list?: string;
  /** Those that take no value. */
  readonly flags?: readonly string[];
}

/** The arguments of a command that cannot do without an entry file. */
export interface CommandLine<T extends string> extends Arguments<T> {
  readonly entry: string;
}

/**
 * Reads the arguments of a command: one entry file, and options that each take a value.
 *
 * @throws CommandLineError that says what is wrong.
 */
export function parseCommandLine<T extends string>(
  args: readonly string[],
  names: readonly T[],
): CommandLine<T> {
  return withEntry(parseArguments(args, names));
}

/** @throws CommandLineError when there is no entry file. */
export function withEntry<T extends string>(parsed: Arguments<T>): CommandLine<T> {
  const { entry } = parsed;
  if (entry === undefined) {
    throw new CommandLineError('The entry file is missing.');
  }
  return { ...parsed, entry };
}

/**
 * Reads the arguments of a command: at most one entry file, and options.
 *
 * @throws CommandLineError that says what is wrong.
 */
export function parseArguments<T extends string>(
  args: readonly string[],
  names: readonly T[],
  { list: listName, flags: flagNames = [] }: FurtherOptions = {},
): Arguments<T> {
  const options: OptionTypes = Object.fromEntries([
    ...names.map((name) => [name, { type: 'string' }]),
    ...flagNames.map((name) => [name, { type: 'boolean' }]),
  ]);
  if (listName !== undefined) {
    options[listName] = { type: 'string', multiple: true };
  }
  const { values, positionals } = parse(args, options);
  const [entry, second] = positionals;
  if (second !== undefined) {
    throw new CommandLineError(`There is one entry file, but "${second}" was given as a second.`);
  }
  const list = listName === undefined ? undefined : (values[listName] as string[] | undefined);
  const flags = new Set(flagNames.filter((name) => values[name] === true));
  return { entry, values: values as Partial<Record<T, string>>, list: list ?? [], flags };
}

/**
 * Reads the arguments of a command that takes words and options with a value.
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

/** @throws CommandLineError when the value is not a whole number of at least `least`. */
export function wholeNumber(
  value: string | undefined,
  { option, least }: { option: string; least: number },
): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least) {
    throw new CommandLineError(`${option} takes a whole number from ${least}, not "${value}".`);
  }
  return number;
}

/** Reads what was typed as the gateway would. @throws CommandLineError with what it would say. */
export function understood<T>(read: () => T): T {
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
    // After the first sentence it explains a syntax that would not help here.
    const [problem] = (error as Error).message.split(/\.? *\n|\. /);
    throw new CommandLineError(`${problem}.`);
  }
}
