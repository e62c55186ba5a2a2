// Each row is held to the type at compile time and to `JSON` at run time; `json.types.ts` has the whole table.
import { describe, expect, it } from 'vitest';
import type { Json } from '../src/index.js';

type Row = readonly [what: string, value: unknown, arrives: unknown];

/** The compiler checks that the type allows what arrives, the test that it does arrive. */
function row<T>(what: string, value: T, arrives: Json<NoInfer<T>>): Row {
  return [what, value, arrives];
}

function sent(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}

class Dto {
  text = 'hi';
  readonly #hidden = 1;
  trimmed(): string {
    return this.text.trim() + String(this.#hidden);
  }
}
class Account {
  owner = 'Ada';
  password = 'secret';
  toJSON(): Omit<Account, 'password'> {
    return Object.assign(new Account(), { password: undefined });
  }
}
class Playlist extends Array<Date> {
  readonly title = 'All';
}
const key = Symbol('key');
const level = { low: 0, high: 1 } as const;
const at = new Date(0);
const text = at.toISOString();
type AnyJson = string | number | boolean | null | AnyJson[] | { [key: string]: AnyJson };

const rows: readonly Row[] = [
  row('a text', 'hi', 'hi'),
  row('a number', 1, 1),
  row('a flag', true, true),
  row('null', null, null),
  row('undefined', undefined, undefined),
  row('a function', () => 1, undefined),
  row('a class', Dto, undefined),
  row('a symbol', key, undefined),
  row('a date', at, text),
  row('a URL', new URL('https://example.com/'), 'https://example.com/'),
  row('a list of dates', [at, at], [text, text]),
  row('a list with holes', [at, undefined, () => 1, key], [text, null, null, null]),
  row<[Date, undefined, number]>('a tuple', [at, undefined, 1], [text, null, 1]),
  row<readonly [Date]>('a read-only tuple', [at], [text]),
  row('a class that extends Array', Playlist.from([at]), [text]),
  row('nested lists', [[[at]]], [[[text]]]),
  row<{ a?: Date; b: Date | undefined }>('absent properties', { b: undefined }, {}),
  row<{ b: Date | undefined; f: string | (() => void) }>(
    'others',
    { b: at, f: '' },
    { b: text, f: '' },
  ),
  row<{ f: string | (() => void) }>('what may be a method', { f: () => {} }, {}),
  row('methods and symbols', { f() {}, [key]: 1, s: key, n: null }, { n: null }),
  row('numbers as keys', { [level.high]: at, 2: 'two' }, { '1': text, '2': 'two' }),
  row<Record<number, Date>>('any numbers as keys', { 7: at }, { '7': text }),
  row<Record<string, Date>>('any keys', { a: at }, { a: text }),
  row<Record<string, Date | undefined>>(
    'any keys, some empty',
    { a: at, b: undefined },
    { a: text },
  ),
  row('a map', new Map([['a', 1]]), {}),
  row('a set', new Set([1]), {}),
  row('a map in an object', { map: new Map([['a', 1]]), at }, { map: {}, at: text }),
  row('a typed array', new Uint8Array([1, 2]), { '0': 1, '1': 2 }),
  row('a buffer', Buffer.from([1]), { type: 'Buffer', data: [1] }),
  row('a promise', Promise.resolve(at), {}),
  row('an instance', new Dto(), { text: 'hi' }),
  row('an instance that writes itself', new Account(), { owner: 'Ada' }),
  row('what writes nothing', { gone: { toJSON: () => undefined }, at }, { at: text }),
  row('what writes a date', { toJSON: () => ({ at }) }, { at: text }),
  row<AnyJson>('any JSON', { a: [1, { b: null }] }, { a: [1, { b: null }] }),
];

describe('G1 the type of what arrives', () => {
  it.each(rows)('G1 is that of what JSON makes of it: %s', (_what, value, arrives) => {
    expect(sent(value)).toStrictEqual(arrives);
  });

  it('G1 has no bigint, which JSON refuses', () => {
    const none = (): Json<bigint> => sent(1n) as never;
    expect(none).toThrow(TypeError);
  });
});
