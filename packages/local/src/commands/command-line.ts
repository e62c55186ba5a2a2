import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The command was called in a way that cannot be understood. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** The arguments of a command that takes one entry file. */
export interface CommandLine<T extends string> {
  readonly entry: string;
  readonly values: Readonly<Partial<Record<T, string>>>;
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
  const options: OptionTypes = Object.fromEntries(
    names.map((name) => [name, { type: 'string' as const }]),
  );
  const { values, positionals } = parse(args, options);
  const [entry, second] = positionals;
  if (entry === undefined) {
    throw new CommandLineError('The entry file is missing.');
  }
  if (second !== undefined) {
    throw new CommandLineError(`There is one entry file, but "${second}" was given as a second.`);
  }
  return { entry, values: values as Partial<Record<T, string>> };
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
