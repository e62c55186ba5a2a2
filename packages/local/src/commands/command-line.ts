import { type ParseArgsConfig, parseArgs } from 'node:util';

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
 * Reads the arguments of a command: at most one entry file, and options that each take a value.
 *
 * @param listName the option that may be given several times
 * @throws CommandLineError that says what is wrong.
 */
export function parseArguments<T extends string>(
  args: readonly string[],
  names: readonly T[],
  listName?: string,
): Arguments<T> {
  const options: OptionTypes = Object.fromEntries(
    names.map((name) => [name, { type: 'string' as const }]),
  );
  if (listName !== undefined) {
    options[listName] = { type: 'string', multiple: true };
  }
  const { values, positionals } = parse(args, options);
  const [entry, second] = positionals;
  if (second !== undefined) {
    throw new CommandLineError(`There is one entry file, but "${second}" was given as a second.`);
  }
  const list = listName === undefined ? undefined : (values[listName] as string[] | undefined);
  return { entry, values: values as Partial<Record<T, string>>, list: list ?? [] };
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

function parse(args: readonly string[], options: OptionTypes): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // After the first sentence it explains a syntax that would not help here.
    const [problem] = (error as Error).message.split(/\.? *\n|\. /);
    throw new CommandLineError(`${problem}.`);
  }
}
