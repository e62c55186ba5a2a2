/** What is wrong with options that the app gave, and what to do. */
export function optionError(message: string, hint: string): TypeError {
  return Object.assign(new TypeError(`${message} ${hint}`), { hint });
}

/** The type of each option; `duration` is a number of milliseconds above 0, a list the words it may be. */
export type OptionTypes = Readonly<
  Record<string, 'string' | 'function' | 'boolean' | 'duration' | readonly string[]>
>;

/**
 * Refuses options that nothing reads and values that cannot work. The value itself stays out of the
 * message: it may hold a secret.
 *
 * @throws TypeError - with what to do instead as `hint`.
 */
export function checkOptions(where: string, options: object, types: OptionTypes): void {
  for (const [name, value] of Object.entries(options)) {
    const type = Object.entries(types).find(([known]) => known === name)?.[1];
    if (!type) {
      throw optionError(
        `${where} has no option "${name}".`,
        `It takes: ${Object.keys(types).join(', ')}.`,
      );
    }
    if (value === undefined || fits(type, value)) continue;
    const takes = typeof type === 'string' ? `a ${type}` : type.join(' or ');
    throw optionError(
      `The option "${name}" of ${where} is wrong.`,
      `It takes ${type === 'duration' ? 'a number of milliseconds above 0' : takes}.`,
    );
  }
}

function fits(type: OptionTypes[string], value: unknown): boolean {
  if (typeof type !== 'string') return type.includes(value as string);
  return type === 'duration' ? typeof value === 'number' && value > 0 : typeof value === type;
}
