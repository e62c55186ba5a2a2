/** What is wrong with options that the app gave, and what to do. */
export function optionError(message: string, hint: string): TypeError {
  return Object.assign(new TypeError(`${message} ${hint}`), { hint });
}

/** The options that something takes, and what each one takes: the name of a type, or a number above 0. */
export type OptionTypes = Readonly<Record<string, 'string' | 'function' | 'boolean' | 'duration'>>;

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
    const fits =
      type === 'duration' ? typeof value === 'number' && value > 0 : typeof value === type;
    if (fits || value === undefined) continue;
    throw optionError(
      `The option "${name}" of ${where} is wrong.`,
      `It takes a ${type === 'duration' ? 'number of milliseconds above 0' : type}.`,
    );
  }
}
