import { checkOptions, type OptionType, option } from '@gatecast/framework/adapter';
import { describe, expect, it } from 'vitest';

interface Options {
  readonly url?: string | undefined;
  readonly client?: object;
  readonly now?: () => number;
}

const types = { url: option.text, client: option.object, now: option.callback };
const check = (options: unknown) =>
  checkOptions<Options>('myStore()', options as Options, types, [['url', 'client']]);

/** The error of checkOptions() for one option of a type. */
function refusal(type: OptionType, value: unknown): unknown {
  try {
    checkOptions<{ readonly it?: unknown }>('f()', { it: value }, { it: type });
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('checkOptions()', () => {
  it('accepts known options, even without a value', () => {
    expect(() => check({})).not.toThrow();
    expect(() => check({ url: undefined, client: {}, now: Date.now })).not.toThrow();
    expect(() => check({ url: 'db://localhost', client: undefined })).not.toThrow();
  });

  it.each(['ur', 'URL', 'toString', '__proto__', ''])('K1 refuses the unknown "%s"', (name) => {
    const options = Object.fromEntries([[name, 'x']]);
    expect(() => check(options)).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'ERR_OPTION_UNKNOWN',
        message: `myStore() was given the unknown option "${name}".`,
        hint: 'Use one of: url, client, now.',
      }),
    );
  });

  it('K1 names an unknown option rather than a wrong value after it', () => {
    expect(() => check({ ur: 1, url: 2 })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_UNKNOWN' }),
    );
  });

  it('K2 refuses a wrong value, with the given value and the allowed ones', () => {
    expect(() => check({ url: 5 })).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'ERR_OPTION_VALUE',
        message: 'myStore() was given 5 as "url".',
        hint: 'It takes a non-empty string.',
      }),
    );
  });

  it.each([undefined, null, 'url', 5, [], () => {}])(
    'K2 refuses %o instead of options',
    (given) => {
      expect(() => check(given)).toThrow(
        expect.objectContaining({
          code: 'ERR_OPTION_VALUE',
          hint: 'It takes an object with any of: url, client, now.',
        }),
      );
    },
  );

  it('refuses two options that exclude each other, unless one is undefined', () => {
    expect(() => check({ client: {}, url: 'db://localhost' })).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'ERR_OPTION_CONFLICT',
        message: 'myStore() was given both "url" and "client".',
        hint: 'Keep one of them.',
      }),
    );
    expect(() => check({ client: {}, url: undefined })).not.toThrow();
  });

  it('describes values briefly and never shows the contents of objects', () => {
    const message = (value: unknown) => (refusal(option.integer(1, 9), value) as Error).message;
    expect(message('5')).toBe('f() was given "5" as "it".');
    expect(message('x'.repeat(500))).toBe(`f() was given "${'x'.repeat(80)}…" as "it".`);
    expect(message({ password: 'secret' })).toBe('f() was given an object as "it".');
    expect(message(['secret'])).toBe('f() was given a list as "it".');
    expect(message(Promise.resolve('secret'))).toBe('f() was given a promise as "it".');
    expect(message(() => 'secret')).toBe('f() was given a function as "it".');
    expect(message(null)).toBe('f() was given null as "it".');
    expect(message(5n)).toBe('f() was given 5 as "it".');
    expect(message(Symbol('s'))).toBe('f() was given Symbol(s) as "it".');
    expect(message(Number.NaN)).toBe('f() was given NaN as "it".');
  });
});

describe('option', () => {
  it.each<[string, OptionType, readonly unknown[], readonly unknown[]]>([
    ['text', option.text, ['a', ' '], ['', 5, null, ['a'], Object('a')]],
    ['flag', option.flag, [true, false], [0, 1, 'true', null]],
    ['callback', option.callback, [() => 1, Date.now, class {}], ['now', {}, null]],
    ['object', option.object, [{}, new Map(), Object.create(null)], [[], null, 'a', () => 1]],
    ['list', option.list, [[], [1]], [{}, 'ab', null, new Set()]],
    ['integer', option.integer(1, 100), [1, 50, 100], [0, 101, 1.5, '5', Number.NaN, Infinity, 5n]],
    ['milliseconds', option.milliseconds(1, 100), [1, 1.5, 100], [0.5, 101, '5', Number.NaN]],
    ['oneOf', option.oneOf('info', 'warn'), ['info', 'warn'], ['Info', '', 'verbose', 1, ['info']]],
  ])('K2 %s accepts exactly its allowed values', (_name, type, fitting, wrong) => {
    for (const value of fitting) expect(refusal(type, value)).toBeUndefined();
    for (const value of wrong) {
      expect(refusal(type, value)).toMatchObject({
        code: 'ERR_OPTION_VALUE',
        hint: `It takes ${type.takes}.`,
      });
    }
  });

  it('K2 refuses durations that are too long for a timer', () => {
    const type = option.milliseconds(1);
    expect(refusal(type, 2_147_483_647)).toBeUndefined();
    for (const value of [2_147_483_648, Infinity, -1, 3e10]) {
      expect(refusal(type, value)).toMatchObject({
        hint: 'It takes a number of milliseconds from 1 to 2,147,483,647.',
      });
    }
  });

  it('K2 describes the allowed values', () => {
    expect(option.integer(1, 1_000).takes).toBe('a whole number from 1 to 1,000');
    expect(option.oneOf('info', 'warn').takes).toBe("one of 'info', 'warn'");
  });
});
