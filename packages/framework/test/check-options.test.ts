import { checkOptions, MAX_TIMER_MS, type OptionType, option } from '@gatecast/framework/adapter';
import { describe, expect, it } from 'vitest';

interface Options {
  readonly url?: string | undefined;
  readonly client?: object;
  readonly now?: () => number;
}
const types = { url: option.text, client: option.object, now: option.callback };
const check = (options: unknown) =>
  checkOptions<Options>('myStore()', options as Options, types, [['url', 'client']]);
const refusal = (code: string, message: string, hint: string) =>
  expect.objectContaining({ name: 'ConfigurationError', code, message, hint });

describe('checkOptions()', () => {
  it.each([{}, { url: undefined, client: {}, now: Date.now }, { url: 'x' }])(
    'takes %j',
    (given) => {
      expect(() => check(given)).not.toThrow();
    },
  );

  it('refuses what is unknown, and two of which one would be ignored', () => {
    expect(() => check({ ur: '' })).toThrow(
      refusal(
        'ERR_OPTION_UNKNOWN',
        'myStore() was given the unknown option "ur".',
        'Use one of: url, client, now.',
      ),
    );
    expect(() => check({ constructor: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_UNKNOWN' }),
    );
    expect(() => check({ url: 'x', client: {} })).toThrow(
      refusal(
        'ERR_OPTION_CONFLICT',
        'myStore() was given both "url" and "client".',
        'Keep one of them.',
      ),
    );
  });

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['x', '"x"'],
    [[], 'a list'],
    [() => 1, 'a function'],
  ])('refuses %j in place of options', (given, described) => {
    expect(() => check(given)).toThrow(
      refusal(
        'ERR_OPTION_VALUE',
        `myStore() was given ${described} as "options".`,
        'It takes an object with any of: url, client, now.',
      ),
    );
  });

  it('says which value does not fit, shortly and without what is inside of it', () => {
    expect(() => check({ url: 7 })).toThrow(
      refusal(
        'ERR_OPTION_VALUE',
        'myStore() was given 7 as "url".',
        'It takes a text that is not empty.',
      ),
    );
    expect(() => check({ now: 'x'.repeat(500) })).toThrow(`given "${'x'.repeat(80)}…" as "now"`);
    expect(() => check({ url: { password: 'secret' } })).toThrow('given an object as "url"');
    expect(() => check({ url: Promise.resolve('x') })).toThrow('given a promise as "url"');
  });

  it.each<[string, OptionType, readonly unknown[], readonly unknown[]]>([
    ['text', option.text, ['x'], ['', 1, null, {}]],
    ['flag', option.flag, [true, false], [0, 'true', null]],
    ['callback', option.callback, [() => 1, class {}], [{}, 'x', null]],
    ['object', option.object, [{}, new Map()], [null, [], 'x', () => 1]],
    ['list', option.list, [[], [1]], [{}, 'x', new Set(), null]],
    ['integer', option.integer(1, 9), [1, 9], [0, 10, 1.5, '5', Number.NaN, Infinity, 5n]],
    [
      'milliseconds',
      option.milliseconds(1),
      [1, 1.5, MAX_TIMER_MS],
      [0, -1, MAX_TIMER_MS + 1, Infinity, Number.NaN, '5000', null],
    ],
    ['milliseconds up to a bound', option.milliseconds(0, 50), [0, 50], [51]],
    ['one of some texts', option.oneOf('a', 'b'), ['a', 'b'], ['c', '', null, ['a']]],
  ])('K2 knows what fits %s', (_what, type, good, bad) => {
    for (const value of good) expect(type.fits(value)).toBe(true);
    for (const value of bad) expect(type.fits(value)).toBe(false);
  });
});
