/** What is wrong with options that the app gave, and what to do. */
export function optionError(message: string, hint: string): TypeError {
  return Object.assign(new TypeError(`${message} ${hint}`), { hint });
}

const WANTED = {
  string: 'a string',
  function: 'a function',
  boolean: 'a boolean',
  duration: 'a number of milliseconds above 0',
  count: 'a whole number of 0 or more',
  id: '16 to 64 characters of A-Z, a-z, 0-9, - and _',
};

/** The type of each option; a list has the words it may be. */
export type OptionTypes = Readonly<Record<string, keyof typeof WANTED | readonly string[]>>;

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
    const wanted = typeof type === 'string' ? WANTED[type] : type.join(' or ');
    throw optionError(`The option "${name}" of ${where} is wrong.`, `It takes ${wanted}.`);
  }
}

function fits(type: OptionTypes[string], value: unknown): boolean {
  if (typeof type !== 'string') return type.includes(value as string);
  if (type === 'duration') return typeof value === 'number' && value > 0;
  if (type === 'count') return Number.isSafeInteger(value) && (value as number) >= 0;
  if (type === 'id') return typeof value === 'string' && /^[\w-]{16,64}$/.test(value);
  return typeof value === type;
}
